//! What the dates of an end become, whatever is tried on whatever day.

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan as _};
use proptest::prelude::*;

use super::Transition;
use super::gates::standings;
use crate::model::ending::Ending;
use crate::model::gate::{Gate, LifecycleRules};
use crate::model::phase::Phase;
use crate::model::record::{Evidence, Record};
use crate::scaffold::lifecycle::checks::Inspection;

/// What somebody tries: after some days, with a deprecation and a sunset so many days from then, and with a new link
/// that shows that the consumers were told, or without.
type Attempt = (i32, Option<i32>, Option<i32>, bool);

fn gates() -> Vec<Gate> {
    let gate = |id: &str, to: Phase, check: Option<&str>| Gate {
        id: id.to_owned(),
        from: to.before().expect("not the first"),
        to,
        title: id.to_owned(),
        how: String::new(),
        check: check.map(str::to_owned),
    };
    vec![
        gate("dates", Phase::Deprecated, Some("dates")),
        gate("consumers-told", Phase::Deprecated, None),
        gate("sunset", Phase::Retired, Some("sunset")),
    ]
}

fn record() -> Record {
    toml::from_str(
        r#"
name = "my-api"
short_name = "ma"
guid = "8c3e6d2e-0c7e-5d25-9a0b-3b7a5c1f0a11"
spec_guid = "8c3e6d2e-0c7e-5d25-9a0b-3b7a5c1f0a12"
title = "My API"
base_path = "my-api"
state = "active"
phase = "live"
repository = { url = "https://example.org/my-api" }
template = { name = "t", source = "builtin", revision = "1" }
"#,
    )
    .expect("a record")
}

/// Whether every gate of a step is open on a day.
fn is_open(step: &Transition<'_>, told: &Ending, today: Date) -> bool {
    let record = step.counting();
    let inspection = Inspection {
        record: &record,
        rules: &LifecycleRules::default(),
        platform: &[],
        checkout: Err("not looked at"),
        today,
        announced: told,
        may_run: false,
    };
    standings(&gates(), step.to, &record, &|name| inspection.check(name)).iter().all(super::GateStatus::is_open)
}

/// What users were told last: when, and of which sunset.
#[derive(Clone, Copy, Debug)]
struct Notice {
    on: Date,
    sunset: Date,
    deprecation: Date,
}

fn days(days: i32) -> Span {
    i64::from(days).days()
}

proptest! {
    #[test]
    fn an_api_never_ends_earlier_than_its_users_were_told_half_a_year_before(
        attempts in prop::collection::vec(
            (0..150_i32, prop::option::of(-90..200_i32), prop::option::of(-90..500_i32), any::<bool>()),
            1..25,
        )
    ) {
        let (mut record, mut today) = (record(), date(2026, 11, 27));
        let mut told: Option<Notice> = None;
        for (number, attempt) in attempts.into_iter().enumerate() {
            let (passed, deprecation, sunset, shows): Attempt = attempt;
            today = today.checked_add(days(passed)).expect("a day");
            let day = |offset: Option<i32>| offset.and_then(|offset| today.checked_add(days(offset)).ok());
            let mut new = record.clone();
            let given = Ending { deprecation: day(deprecation), sunset: day(sunset), ..Ending::default() };
            new.ending = new.ending.with(given);
            if shows {
                let (gate, link) = ("consumers-told".to_owned(), format!("https://example.org/{number}"));
                new.evidence.push(Evidence { gate, link, by: String::new(), date: today.to_string() });
            }
            let before = if record.phase == Phase::Live { Ending::default() } else { record.ending.clone() };
            let step = Transition { record: &record, new, to: Phase::Deprecated };
            let is_same = record.phase == Phase::Deprecated && step.new.ending.same_dates(&record.ending);
            if is_same || !is_open(&step, &before, today) {
                continue;
            }
            let mut new = step.new;
            new.phase = Phase::Deprecated;
            let (deprecation, sunset) = (new.ending.deprecation.expect("set"), new.ending.sunset.expect("set"));
            let months = |from: Date| from.checked_add(6.months()).expect("a day");
            prop_assert!(sunset >= months(deprecation), "{:?}", new.ending);
            prop_assert!(deprecation >= today || before.deprecation == Some(deprecation), "set back: {:?}", new.ending);
            match told {
                Some(told) if told.sunset <= sunset && told.deprecation == deprecation => {}
                Some(told) if told.sunset <= sunset => prop_assert!(shows, "{told:?} → {:?}", new.ending),
                _ => {
                    prop_assert!(shows, "{told:?} → {:?}", new.ending);
                    prop_assert!(sunset >= months(today), "{told:?} → {:?} on {today}", new.ending);
                }
            }
            let on = told.filter(|told| told.sunset <= sunset).map_or(today, |told| told.on);
            told = Some(Notice { on, sunset, deprecation });
            record = new;
            // Retired on no day before the sunset that was told half a year before.
            let retires = |today| is_open(
                &Transition { record: &record, new: record.clone(), to: Phase::Retired },
                &Ending::default(),
                today,
            );
            prop_assert!(!retires(sunset.yesterday().expect("a day")) && retires(sunset));
            prop_assert!(sunset >= months(on));
        }
    }
}
