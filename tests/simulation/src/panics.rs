//! Panics of tasks, which the runtime would only tell to those who wait for them.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static NOTED: Once = Once::new();

/// From here on every panic of this process is kept for the world whose thread it is.
pub(crate) fn note_all() {
    NOTED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            FIRST.with_borrow_mut(|first| {
                first.get_or_insert_with(|| info.to_string());
            });
            before(info);
        }));
    });
}

/// The first panic of this thread since this was last asked.
pub(crate) fn take() -> Option<String> {
    FIRST.with_borrow_mut(Option::take)
}
