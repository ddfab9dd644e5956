//! A generated repository's own tests find what the platform's linter lets through.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::Program;
use crate::routes::write_specification;

/// Runs the tests of the bundles; gives what they said, and whether they passed.
fn check(repository: &Path) -> (bool, String) {
    let output = Command::new("python3")
        .args(["-m", "unittest", "discover", "-s", "tests", "-p", "test_bundles.py"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(repository)
        .output()
        .expect("python starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// File, text in it, what is written instead, and the check that must find it.
type Fault = (&'static str, &'static str, &'static str, &'static str);

const FAULTS: [Fault; 8] = [
    (
        "live/apiproxy/policies/FlowCallout.ApplyRateLimiting.xml",
        "<SharedFlowBundle>ApplyRateLimiting</SharedFlowBundle>\n</FlowCallout>",
        "</FlowCallout>",
        "test_rates_are_rates",
    ),
    ("live/apiproxy/proxies/default.xml", "<BasePath>/lib</BasePath>", "<BasePath>/lib one</BasePath>", "base_path"),
    ("sandbox/apiproxy/lib-sandbox.xml", " name=\"lib-sandbox\"", "", "test_the_proxy_is_named_like_its_file"),
    (
        "live/apiproxy/targets/target.xml",
        "oauthV2.OAuthV2.VerifyAccessToken.failed",
        "oauthV2.OauthV2.VerifyAccessToken.failed",
        "test_conditions_ask_about_policies_that_exist",
    ),
    (
        "live/apiproxy/targets/target.xml",
        "(fault.name = \"QuotaViolation\")",
        "(ratelimit.Quota.Mine.failed = true)",
        "test_conditions_ask_about_policies_that_exist",
    ),
    (
        "live/apiproxy/policies/KeyValueMapOperations.StatusKey.xml",
        "<Parameter>status-key</Parameter>",
        "<Parameter>{{ STATUS_KEY }}</Parameter>",
        "test_no_placeholder_is_left",
    ),
    (
        "sandbox/apiproxy/targets/target.xml",
        "<Server name=\"lib-sandbox\"/>",
        "<Server name=\"${HOSTED_TARGET}\"/>",
        "test_no_placeholder_is_left",
    ),
    (
        "live/apiproxy/policies/AssignMessage.Error500.xml",
        "Try again later.",
        "{error.content}",
        "test_an_error_tells_nothing_of_the_fault_behind_it",
    ),
];

#[test]
fn faults_that_the_linter_misses_are_found_by_the_repository_s_own_tests() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let repository = program.folder().join("lib");
    write_specification(&repository);
    let (passed, said) = check(&repository);
    assert!(passed, "{said}");
    for (path, from, to, found_by) in FAULTS {
        let path = repository.join("proxies").join(path);
        let good = fs::read_to_string(&path).expect("read");
        let mut bad = good.replace(from, to);
        if found_by == "test_rates_are_rates" {
            // A limit of one's own in place of the shared flow's.
            bad = bad
                .replace("FlowCallout ", "SpikeArrest ")
                .replace("</FlowCallout>", "<Rate>thirty</Rate></SpikeArrest>");
        }
        assert_ne!(good, bad, "{found_by}: nothing was changed");
        fs::write(&path, bad).expect("written");
        let (passed, said) = check(&repository);
        assert!(!passed && said.contains(found_by), "{found_by}: {said}");
        fs::write(&path, good).expect("written");
    }
}
