//! AppSpec files: never a panic, and the same text is read the same way twice.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_model::appspec::{AppSpec, DEFAULT_EVENTS, Platform};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for platform in [Platform::Linux, Platform::Windows] {
        let shown = shown(&text, platform);
        assert_eq!(shown, self::shown(&text, platform), "read otherwise the second time");
    }
});

/// Everything that anybody asks of an AppSpec, as text.
fn shown(text: &str, platform: Platform) -> String {
    match AppSpec::parse(text, platform) {
        Err(error) => format!("{error}\n{error:?}"),
        Ok(appspec) => {
            let events = DEFAULT_EVENTS.map(str::to_owned);
            let checked = appspec.check_lifecycle_events("appspec.yml", &events);
            let warnings: Vec<String> = appspec.warnings.iter().map(ToString::to_string).collect();
            format!("{appspec:?}\n{checked:?}\n{warnings:?}")
        }
    }
}
