//! The three pushes, of a first commit, of a branch and of a change of the registry, meet the same faults with the same
//! patience.

use super::server::fault::{Fault, Harm, Side, When, answers};
use super::story::Story;
use super::{app, faults, phase};

/// A push: the story before it, the command that makes it, the repository that it goes to.
struct Push {
    story: Story,
    command: Vec<String>,
    repository: &'static str,
}

const REGISTRY: &str = "/nhs/registry.git";
const HOME: &str = "/nhs/my-api.git";

/// Each of the three, in the name of what `user` gives.
fn pushes(user: fn() -> Story) -> [Push; 3] {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let shared = user();
    shared.github.add_repository("nhs", "registry", "private");
    let registry = format!("{}{REGISTRY}", shared.github.url());
    [
        Push { story: user(), command: words(&Story::NEW), repository: HOME },
        Push { story: phase::of(user()), command: words(&phase::DISCOVERY), repository: HOME },
        Push {
            story: shared,
            command: words(&["new", "first", "--registry", &registry, "--template", "template", "--yes"]),
            repository: REGISTRY,
        },
    ]
}

impl Push {
    /// How often packs are sent to the repository when nothing disturbs: the registry is changed twice.
    fn packs(&self) -> usize {
        if self.repository == REGISTRY { 2 } else { 1 }
    }

    /// Makes the push while `harm` happens to the first pack. Gives how often packs were sent, and what the run said.
    fn disturbed(&self, side: Side, harm: Harm) -> (usize, String) {
        let what = format!("{} {side:?} {harm:?}", self.command.join(" "));
        let path = format!("{}/git-receive-pack", self.repository);
        self.story.github.plan(Fault::new(When::Exact("POST", path.clone()), harm).side(side));
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let ran = self.story.run(&command);
        assert_eq!(ran.code, Some(0), "{what}: {ran:?}");
        self.story.nothing_leaked();
        let sent = self.story.requests().iter().filter(|entry| entry.method == "POST" && entry.path == path).count();
        (sent, ran.stderr)
    }
}

#[test]
fn a_fault_that_passes_is_waited_for_and_what_took_effect_is_not_sent_again() {
    let pause = "asks for a pause: 1 s";
    let harms = [
        (Side::Before, Harm::Answer(answers::secondary_limit(403, Some(1))), pause),
        (Side::Before, Harm::Answer(answers::secondary_limit(429, Some(1))), pause),
        (Side::Before, Harm::Answer(answers::broken(503).with("Retry-After", 1)), ""),
        (Side::Before, Harm::Reset, "trying again: 1 s"),
        (Side::After, Harm::Reset, ""),
        (Side::After, Harm::Answer(answers::broken(503)), ""),
    ];
    faults::each(harms.into(), |(side, harm, words)| {
        for push in pushes(Story::new) {
            let (sent, stderr) = push.disturbed(side, harm.clone());
            assert!(stderr.contains(words), "{harm:?}: {stderr}");
            assert_eq!(sent, push.packs() + usize::from(side == Side::Before), "{side:?} {harm:?} {:?}", push.command);
        }
    });
}

#[test]
fn a_token_that_expires_at_the_push_is_renewed() {
    for push in pushes(|| app::story(3600)) {
        let (sent, _) = push.disturbed(Side::Before, Harm::Expire);
        assert_eq!(sent, push.packs() + 1, "{:?}", push.command);
    }
}
