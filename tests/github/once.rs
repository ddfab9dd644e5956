//! What makes something is sent once, whatever becomes of its answer and however late GitHub's lists are.

use serde_json::{Value, json};

use super::faults::each;
use super::server::fault::{Fault, Harm, Side, When, answers};
use super::server::http::Answer;
use super::story::{Story, undisturbed};
use crate::tools::thorough;

/// How many runs see lists that are late.
const LATE: usize = 2;

/// What a run makes by POST in a repository: the call, the list that shows it, and that list while it is late.
fn made() -> Vec<(String, &'static str, Value)> {
    let repository = "/repos/nhs/my-api";
    let variables = json!({"total_count": 0, "variables": []});
    vec![
        (format!("{repository}/issues"), "/issues", json!([])),
        (format!("{repository}/rulesets"), "/rulesets", json!([])),
        (format!("{repository}/actions/variables"), "/actions/variables", variables.clone()),
        (format!("{repository}/environments/int/variables"), "/environments/int/variables", variables),
    ]
}

fn losses() -> Vec<(Side, Harm)> {
    let page = answers::nonsense().remove(0);
    let answers = [answers::broken(502), answers::broken(408), page];
    let lost = answers.map(|answer| (Side::After, Harm::Answer(answer)));
    [(Side::Before, Harm::Reset), (Side::After, Harm::Reset)].into_iter().chain(lost).collect()
}

#[test]
fn what_was_sent_is_not_sent_again_while_lists_are_late() {
    undisturbed();
    // For daily work each call is lost in one way, another one for each.
    let wanted = |call: usize, way: usize| thorough() || (call + way) % losses().len() == 1;
    let ways = |(number, call): (usize, (String, &'static str, Value))| {
        let ways = losses().into_iter().enumerate().filter(move |(way, _)| wanted(number, *way));
        ways.map(move |(_, loss)| (call.clone(), loss))
    };
    let cases: Vec<_> = made().into_iter().enumerate().flat_map(ways).collect();
    each(cases, |((path, list, late), (side, harm))| {
        let what = format!("{harm:?} {side:?} POST {path}");
        let story = Story::new();
        story.github.plan(Fault::new(When::Exact("POST", path.clone()), harm).side(side));
        let lag =
            Fault::new(When::Exact("GET", format!("/repos/nhs/my-api{list}")), Harm::Answer(Answer::json(200, &late)));
        story.github.plan(lag.times(usize::MAX));
        let mut sent = Vec::new();
        for _ in 0..LATE {
            let ran = story.run(&Story::NEW);
            assert!(matches!(ran.code, Some(0 | 8)), "{what}: {ran:?}");
            let posts = story.requests().iter().filter(|entry| entry.method == "POST" && entry.path == path).count();
            sent.push(posts);
        }
        assert!(sent.iter().all(|count| *count <= 1), "{what}: one run sent it more than once: {sent:?}");
        if list == "/issues" && side == Side::After {
            assert_eq!(sent.iter().sum::<usize>(), 1, "{what}: {sent:?}");
        }
        story.github.heal();
        story.ends_well([], &what);
    });
}

#[test]
fn an_issue_that_the_list_never_shows_is_found_by_its_number_whatever_came_before_it() {
    let story = Story::new();
    story.done(&Story::NEW);
    let lag = Fault::new(
        When::Exact("GET", "/repos/nhs/my-api/issues".to_owned()),
        Harm::Answer(Answer::json(200, &json!([]))),
    );
    story.github.plan(lag.times(usize::MAX));
    {
        // Something else had the first numbers.
        let mut state = story.github.state();
        let mut ours = state.repositories[0].issues.remove(0);
        for number in 1..=3 {
            let mut other = ours.clone();
            other.insert("number".to_owned(), json!(number));
            other.insert("title".to_owned(), json!("other"));
            other.insert("body".to_owned(), Value::Null);
            state.repositories[0].issues.push(other);
        }
        ours.insert("number".to_owned(), json!(4));
        state.repositories[0].issues.push(ours);
    }
    story.requests();
    story.done(&Story::NEW);
    assert!(story.requests().iter().all(|entry| !entry.is_write()));
    // A number that is gone hides none that comes after it.
    story.github.heal();
    let shown = story.github.state().repositories[0].issues[0].clone();
    let lag = Answer::json(200, &json!([shown]));
    story
        .github
        .plan(Fault::new(When::Exact("GET", "/repos/nhs/my-api/issues".to_owned()), Harm::Answer(lag)).times(9));
    let gone = Harm::Answer(Answer::error(410, "This issue was deleted"));
    story.github.plan(Fault::new(When::Exact("GET", "/repos/nhs/my-api/issues/2".to_owned()), gone).times(9));
    story.done(&Story::NEW);
    assert!(story.requests().iter().all(|entry| !entry.is_write()));
}

#[test]
fn a_team_whose_answer_is_lost_is_made_once() {
    each(losses(), |(side, harm)| {
        let what = format!("{harm:?} {side:?}");
        let story = Story::new();
        story.github.organization("nhs", |nhs| nhs.teams.clear());
        let new = [&Story::NEW[..], &["--create-teams"]].concat();
        let teams = || "/orgs/nhs/teams".to_owned();
        story.github.plan(Fault::new(When::Exact("POST", teams()), harm).side(side));
        let hidden = Fault::new(When::Exact("GET", teams() + "/platform"), Harm::Answer(Answer::not_found()));
        story.github.plan(hidden.times(usize::MAX));
        let ran = story.run(&new);
        assert_eq!(ran.code, Some(8), "{what}: {ran:?}");
        let sent = story.requests().iter().filter(|entry| entry.method == "POST" && entry.path == teams()).count();
        assert_eq!(sent, 1, "{what}");
        story.github.heal();
        story.done(&new);
        assert_eq!(story.github.state().organizations["nhs"].teams.len(), 1, "{what}");
    });
}

#[test]
fn a_pull_request_whose_answer_is_lost_is_made_once() {
    each(losses(), |(side, harm)| {
        let what = format!("{harm:?} {side:?}");
        let story = super::phase::story();
        let move_on = ["phase", "my-api", "discovery", "--evidence", "kick-off=https://example.org/1"];
        let pulls = || "/repos/nhs/my-api/pulls".to_owned();
        story.github.plan(Fault::new(When::Exact("POST", pulls()), harm).side(side));
        let late = Fault::new(When::Exact("GET", pulls()), Harm::Answer(Answer::json(200, &json!([]))));
        story.github.plan(late.times(usize::MAX));
        for _ in 1..LATE {
            let ran = story.run(&move_on);
            assert!(matches!(ran.code, Some(0 | 8)), "{what}: the branch is pushed already: {ran:?}");
            let sent = story.requests().iter().filter(|entry| entry.method == "POST" && entry.path == pulls()).count();
            assert!(sent <= 1, "{what}: {sent}");
        }
        story.github.heal();
        story.done(&move_on);
        assert_eq!(story.github.state().repositories[0].pulls.len(), 1, "{what}");
    });
}
