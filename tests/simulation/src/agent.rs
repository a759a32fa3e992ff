//! Hosts' agents: state machines that do what agents do, and what agents do when they break.

use std::collections::BTreeSet;

use longshore_engine::host_command::CommandKey;
use longshore_model::id::PrincipalArn;
use longshore_model::lifecycle::CommandCopy;
use rand::Rng;
use rand::rngs::StdRng;

use crate::scenario::N_EVENTS;

/// Where in its work on a command an agent dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// It has got it, and not acknowledged it.
    BeforeAck,
    /// It has sent the acknowledgement, and not heard the answer.
    AckSent,
    /// It may run it, and has not begun.
    BeforeRun,
    /// In the middle.
    InRun,
    /// It has run it, and not reported.
    BeforeReport,
    /// It has sent the report, and not heard the answer.
    ReportSent,
}

/// How an agent behaves, for a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// As it should.
    Good,
    /// It never comes.
    Absent,
    /// Its script fails at this event.
    FailsAt(u32),
    /// It takes its time with everything.
    Slow,
    /// It dies at this point of this event, and comes back after so many milliseconds, or never.
    DiesAt { event_idx: u32, point: Point, back_after: Option<u64> },
    /// It polls twice at a time, acknowledges twice and reports twice.
    Twice,
    /// It acknowledges or reports this event when the clock has run out.
    LateAt { event_idx: u32, is_ack: bool },
    /// It reports before it acknowledges.
    OutOfOrder,
    /// It acknowledges and reports events that are not due.
    Confused,
    /// Its clock is wrong until then: its signatures are refused.
    WrongClock { until: u64 },
}

impl Nature {
    pub(crate) fn draw(rng: &mut StdRng) -> Nature {
        let event_idx = rng.random_range(0..N_EVENTS);
        match rng.random_range(0..14) {
            0 => Nature::Absent,
            1..4 => Nature::FailsAt(event_idx),
            4 => Nature::Slow,
            5..9 => Nature::DiesAt {
                event_idx,
                point: [
                    Point::BeforeAck,
                    Point::AckSent,
                    Point::BeforeRun,
                    Point::InRun,
                    Point::BeforeReport,
                    Point::ReportSent,
                ][rng.random_range(0..6)],
                back_after: rng.random_bool(0.7).then(|| rng.random_range(100..60_000)),
            },
            9 => Nature::Twice,
            10 => Nature::LateAt { event_idx, is_ack: rng.random_bool(0.5) },
            11 => Nature::OutOfOrder,
            12 => Nature::Confused,
            _ => Nature::WrongClock { until: rng.random_range(5_000..120_000) },
        }
    }

    /// Its name, for counting.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Nature::Good => "good",
            Nature::Absent => "never comes",
            Nature::FailsAt(_) => "script fails",
            Nature::Slow => "slow",
            Nature::DiesAt { point, .. } => match point {
                Point::BeforeAck => "dies before ack",
                Point::AckSent => "dies with ack sent",
                Point::BeforeRun => "dies before run",
                Point::InRun => "dies in run",
                Point::BeforeReport => "dies before report",
                Point::ReportSent => "dies with report sent",
            },
            Nature::Twice => "answers twice",
            Nature::LateAt { .. } => "late",
            Nature::OutOfOrder => "out of order",
            Nature::Confused => "confused",
            Nature::WrongClock { .. } => "clock wrong",
        }
    }
}

/// One agent.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) principal: PrincipalArn,
    pub(crate) nature: Nature,
    pub(crate) keeps_record: bool,
    pub(crate) is_up: bool,
    /// Whether it is in its groups for sure: it was tagged, and that was answered.
    pub(crate) is_member: bool,
    /// When a server last answered a poll of it.
    pub(crate) polled_at: Option<i64>,
    /// Since when a server may have heard of it again, after a silence until `polled_at`.
    pub(crate) back_since: Option<i64>,
    /// What was planned in an earlier life does not happen.
    pub(crate) life: u32,
    /// The copies of commands that it was told to run.
    pub(crate) taken: BTreeSet<(CommandKey, CommandCopy)>,
    /// Its record on disk: what it has begun, and whether it has ended.
    pub(crate) begun: BTreeSet<CommandKey>,
    pub(crate) unreported: BTreeSet<CommandKey>,
    /// Until when a server may hold a command for it that nobody saw.
    pub(crate) may_be_held_until: i64,
}

impl Agent {
    pub(crate) fn new(name: String, principal: PrincipalArn, nature: Nature, keeps_record: bool) -> Agent {
        Agent {
            name,
            principal,
            nature,
            keeps_record,
            is_up: nature != Nature::Absent,
            is_member: true,
            polled_at: None,
            back_since: None,
            life: 0,
            taken: BTreeSet::new(),
            begun: BTreeSet::new(),
            unreported: BTreeSet::new(),
            may_be_held_until: 0,
        }
    }

    /// How many polls it keeps open.
    pub(crate) fn wanted_polls(&self) -> u32 {
        if self.nature == Nature::Twice { 2 } else { 1 }
    }

    /// Whether it dies now, with this command at this point.
    pub(crate) fn dies(&self, key: &CommandKey, at: Point) -> Option<Option<u64>> {
        match self.nature {
            // Only once: whoever comes back does better.
            Nature::DiesAt { event_idx, point, back_after }
                if self.life == 0 && event_idx == key.event_idx && point == at =>
            {
                Some(back_after)
            }
            _ => None,
        }
    }
}
