//! What is more than the platform is made for.

use crate::openapi::Spec;

/// The style whose proxies have a flow for each operation.
const APIGEE: &str = "apigee";

/// Most flows that one proxy should have.
const FLOWS_MAX: usize = 200;

/// Flows that each proxy has beside those of operations: for preflights, `_ping`, `_status` and everything else.
const OWN_FLOWS: usize = 4;

/// What the user should know when one proxy has more flows than it should.
pub(crate) fn too_many_flows(spec: Option<&Spec>, style: &str) -> Option<String> {
    let operations = spec?.summary.served().count();
    let flows = operations + OWN_FLOWS;
    (style == APIGEE && flows > FLOWS_MAX).then(|| {
        format!(
            "the proxy has at least {flows} flows, {operations} of them for operations, and should have at most {FLOWS_MAX}: Apigee tries one after the other for each call; split the API, or choose `--set style=proxygen`"
        )
    })
}
