//! What the bundle store tells of a request to whoever passed it on.

use std::sync::{Arc, OnceLock};

use crate::principal::Caller;

/// Put among a request's extensions, it is told who signed it and for what.
#[derive(Clone, Debug, Default)]
pub struct Observer(Arc<OnceLock<Observed>>);

/// A request whose signature is good.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Who signed.
    pub caller: Caller,
    /// S3's name of the operation.
    pub operation: String,
}

impl Observer {
    /// What was seen; `None` when the signature was not good.
    pub fn observed(&self) -> Option<&Observed> {
        self.0.get()
    }

    /// A request is decided upon once; a second word would change nothing.
    pub(crate) fn tell(&self, caller: &Caller, operation: &str) {
        self.0.get_or_init(|| Observed { caller: caller.clone(), operation: operation.to_owned() });
    }
}
