//! When an API ends, and what comes after it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The dates and pages for the users of an API, once it is deprecated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// From this day on new users should not start (RFC 9745).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Date>,
    /// On this day it stops answering (RFC 8594).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sunset: Option<Date>,
    /// A page that tells its users what to do: an https URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// What to use instead: an https URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl Ending {
    /// Whether nothing is set.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// With the values that `later` has in the place of the earlier ones.
    #[must_use]
    pub fn with(self, later: Self) -> Self {
        Self {
            deprecation: later.deprecation.or(self.deprecation),
            sunset: later.sunset.or(self.sunset),
            documentation: later.documentation.or(self.documentation),
            successor: later.successor.or(self.successor),
        }
    }

    /// Whether `other` has the same dates.
    pub fn same_dates(&self, other: &Self) -> bool {
        (self.deprecation, self.sunset) == (other.deprecation, other.sunset)
    }

    /// Whether the only difference from `before` is the same or a later sunset.
    pub fn only_extends(&self, before: &Self) -> bool {
        let later = self.sunset.zip(before.sunset).is_some_and(|(sunset, before)| sunset >= before);
        self.deprecation == before.deprecation && later
    }

    /// What is missing or wrong with the dates, `today`, in the place of those of `before`; none when they are good.
    ///
    /// A deprecation that is new does not lie in the past. There are `months` months between deprecation and sunset, and
    /// between today and a sunset that is earlier than before.
    pub fn objection(&self, before: &Self, months: i64, today: Date) -> Option<String> {
        let (Some(deprecation), Some(sunset)) = (self.deprecation, self.sunset) else {
            let missing = [("deprecation", self.deprecation), ("sunset", self.sunset)];
            let missing: Vec<&str> = missing.iter().filter(|(_, date)| date.is_none()).map(|(word, _)| *word).collect();
            return Some(format!("no date of {} is set", missing.join(" or ")));
        };
        if deprecation < today && before.deprecation != Some(deprecation) {
            return Some(format!("the deprecation on {deprecation} is before today, {today}"));
        }
        let keeps_notice = before.sunset.is_some_and(|before| before <= sunset);
        let (from, start) = if keeps_notice || deprecation >= today {
            (format!("the deprecation on {deprecation}"), deprecation)
        } else {
            (format!("today, {today}"), today)
        };
        let span = jiff::Span::new().try_months(months).ok()?;
        let earliest = start.checked_add(span).unwrap_or(Date::MAX);
        (sunset < earliest).then(|| {
            format!("the sunset on {sunset} is less than {months} months after {from}: {earliest} at the earliest")
        })
    }
}

/// The difference between the dates, for the history: `sunset from 2027-07-01 to 2027-12-15`.
pub fn change(from: &Ending, to: &Ending) -> String {
    let day = |date: Option<Date>| date.map_or_else(|| "no date".to_owned(), |date| date.to_string());
    let dates = [("deprecation", from.deprecation, to.deprecation), ("sunset", from.sunset, to.sunset)];
    let changed = dates.into_iter().filter(|(_, from, to)| from != to);
    let words = changed.map(|(word, from, to)| format!("{word} from {} to {}", day(from), day(to)));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(deprecation: &str, sunset: &str) -> Ending {
        let date = |text: &str| text.parse().ok();
        Ending { deprecation: date(deprecation), sunset: date(sunset), ..Ending::default() }
    }

    fn objection(dates: (&str, &str), before: (&str, &str), today: &str) -> Option<String> {
        ending(dates.0, dates.1).objection(&ending(before.0, before.1), 6, today.parse().expect("a date"))
    }

    #[test]
    fn dates_need_months_between_them() {
        let first = |deprecation, sunset| objection((deprecation, sunset), ("", ""), "2026-11-27");
        assert_eq!(first("2027-01-31", "2027-07-31"), None);
        assert_eq!(first("2027-08-31", "2028-02-29"), None, "February is short");
        let message = first("2027-01-31", "2027-07-30").expect("a day short");
        assert!(message.contains("less than 6 months") && message.ends_with("2027-07-31 at the earliest"), "{message}");
        assert_eq!(first("", "2027-01-31").as_deref(), Some("no date of deprecation is set"));
        assert_eq!(first("", "").as_deref(), Some("no date of deprecation or sunset is set"));
        assert_eq!(first("9999-12-31", "9999-12-31"), None, "there is no later day");
    }

    #[test]
    fn no_date_is_set_back_and_a_sunset_is_not_brought_forward_at_short_notice() {
        const BEFORE: (&str, &str) = ("2027-01-31", "2028-01-31");
        for (dates, today, why) in [
            (("2027-01-31", "2027-07-31"), "2026-12-01", ""),
            (("2027-01-31", "2027-07-31"), "2027-03-01", "less than 6 months after today, 2027-03-01"),
            (("2027-01-31", "2027-09-01"), "2027-03-01", ""),
            (("2027-01-31", "2028-02-01"), "2028-01-15", ""),
            (("2027-03-02", "2028-01-31"), "2027-03-01", ""),
            (("2027-02-28", "2028-01-31"), "2027-03-01", "before today, 2027-03-01"),
            (("2027-08-01", "2028-01-31"), "2027-03-01", "less than 6 months after the deprecation on 2027-08-01"),
        ] {
            let message = objection(dates, BEFORE, today).unwrap_or_default();
            assert!(message.contains(why) && message.is_empty() == why.is_empty(), "{dates:?} on {today}: {message}");
        }
        let late = objection(("2027-01-31", "2027-08-01"), ("2027-01-31", ""), "2027-07-31").expect("a day's notice");
        assert!(late.contains("after today"), "a first sunset is announced today: {late}");
    }

    #[test]
    fn a_change_is_described_date_by_date() {
        let (old, new) = (ending("2027-01-31", ""), ending("2027-02-28", "2028-01-31"));
        assert_eq!(change(&old, &new), "deprecation from 2027-01-31 to 2027-02-28, sunset from no date to 2028-01-31");
        assert_eq!(change(&new, &new), "");
    }

    #[test]
    fn later_dates_replace_earlier_ones() {
        let both = ending("2027-01-31", "2027-07-31").with(ending("", "2028-01-31"));
        assert_eq!(both, ending("2027-01-31", "2028-01-31"));
    }
}
