//! The floor that every change goes through: the repository as it is → as it shall be → plan → apply → report.
//!
//! | part | what it does |
//! | --- | --- |
//! | `open` | the environment → the registry, GitHub, and who makes a change |
//! | `template` | where a template is → the template |
//! | `request` | name, specification and answers of one API |
//! | `render` | a template and a request → a repository's files, settings and record |
//! | `checkout` | a repository as it is, on this machine or on GitHub |
//! | `change` | what becomes of each file when a change of the render is picked onto it |
//! | `base` | a repository as it was when the tool made it |
//! | `place` | where a repository is to be, and what is there already |
//! | `access` | answers that let in more callers than the specification does |
//! | `address` | base path and standard: what they were taken from, and where they differ from the specification |
//! | `keys` | keys of a new API that are free |
//! | `hosting` | a new repository on the forge → the steps that remain there |
//! | `creation` | a new repository: what is there and what it shall be → the steps between |
//! | `desired` | the settings that a repository on the forge should have |
//! | `lifecycle` | gates, checks, and what a phase changes in a repository |
//! | `proposal` | a change of a repository → a commit, or a pull request |
//! | `orphans` | records without a repository, and repositories without a record |
//! | `overlap` | base paths that get into each other's way |
//! | `limits` | what is more than the platform is made for |
//! | `naming` | names that an API must not have |
//! | `variables` | variables of the environment that are misspelt |
//! | `secrets` | values of secrets, from the environment or a person |
//! | `plan` | steps, decided before anything is done |
//! | `push` | commits → a repository on the forge |
//! | `apply` | a plan → its effects, or in a dry run what they would be → how each step went |
//! | `report` | how each step went → words and JSON |

use crate::answers::Answers;
use crate::model::record::Record;

pub(crate) mod access;
pub(crate) mod address;
pub(crate) mod apply;
pub(crate) mod base;
pub(crate) mod change;
pub(crate) mod checkout;
pub(crate) mod creation;
pub(crate) mod desired;
pub(crate) mod hosting;
pub(crate) mod keys;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod naming;
pub(crate) mod open;
pub(crate) mod orphans;
pub(crate) mod overlap;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod proposal;
pub(crate) mod push;
pub(crate) mod render;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod secrets;
pub(crate) mod template;
pub(crate) mod variables;

/// Where the specification of an API and what is made of it differ, though it can be made: a sentence each.
pub(crate) fn warnings(material: &request::Material, answers: &Answers, record: &Record) -> Vec<String> {
    let access = access::warning(material.spec.as_deref(), answers);
    let flows = limits::too_many_flows(material.spec.as_deref(), &record.style);
    access.into_iter().chain(address::warnings(material, answers, record)).chain(flows).collect()
}
