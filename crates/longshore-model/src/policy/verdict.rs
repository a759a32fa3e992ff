//! Logic with a third value for what is not understood.

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No,
    /// Not to be told. In the end it decides against the caller.
    Unknown,
}

impl Verdict {
    pub(super) fn of(is_so: bool) -> Verdict {
        if is_so { Verdict::Yes } else { Verdict::No }
    }

    /// `Yes` becomes `Unknown` where `is_known` is false.
    pub(super) fn known(self, is_known: bool) -> Verdict {
        if self == Verdict::Yes && !is_known { Verdict::Unknown } else { self }
    }

    pub(super) fn negated_if(self, is_negated: bool) -> Verdict {
        match (self, is_negated) {
            (Verdict::Yes, true) => Verdict::No,
            (Verdict::No, true) => Verdict::Yes,
            (verdict, true | false) => verdict,
        }
    }

    /// `No` if one of them is, else `Unknown` if one of them is. Of none, `Yes`.
    pub(super) fn all(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut all = Verdict::Yes;
        for verdict in verdicts {
            match verdict {
                Verdict::No => return Verdict::No,
                Verdict::Unknown => all = Verdict::Unknown,
                Verdict::Yes => {}
            }
        }
        all
    }

    /// `Yes` if one of them is, else `Unknown` if one of them is. Of none, `No`.
    pub(super) fn any(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        Verdict::all(verdicts.into_iter().map(|verdict| verdict.negated_if(true))).negated_if(true)
    }
}
