//! The settings that a repository on the forge should have: which repository it is, and what its template asks of it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Blame, Failure, Fault};
use crate::forge::github::Server;
use crate::git::publish;
use crate::model::name::ApiName;
use crate::model::receipt::{self, Receipt};
use crate::model::record::{KeyKind, Record};
use crate::model::repository::RepositorySlug;
use crate::model::settings::Settings;
use crate::registry::Registry;
use crate::scaffold::checkout::Files;
use crate::scaffold::request::{self, Inputs, Material};
use crate::scaffold::{open, render, template};
use crate::world::World;

#[derive(Debug, thiserror::Error)]
enum DesiredError {
    #[error("`{}` has no `{}`, and the registry does not say from which template it was made", .0.display(), receipt::FILE_NAME)]
    NoTemplate(PathBuf),
    #[error("`{}` has a `{}`, which holds its answers", .0.display(), receipt::FILE_NAME)]
    Answered(PathBuf),
    #[error("neither the registry nor the remote `origin` says where `{0}` is on GitHub")]
    NotHosted(String),
}

impl Blame for DesiredError {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::NoTemplate(_) => {
                "say which template's settings it is to have: `--template SOURCE`, and its answers as for `new`"
            }
            Self::Answered(_) => "leave out `--set`, `--answers` and `--spec`",
            Self::NotHosted(_) => "add the remote: `git remote add origin URL`",
        };
        Some(advice.to_owned())
    }
}

/// A repository, and the settings that it should have.
pub(crate) struct Desired {
    pub(crate) target: RepositorySlug,
    /// What the registry knows of it.
    pub(crate) record: Option<Record>,
    pub(crate) settings: Settings,
}

/// Where everything is looked for.
pub(crate) struct Search<'s> {
    pub(crate) inputs: &'s Inputs,
    pub(crate) folder: &'s Path,
    pub(crate) registry: Option<&'s Registry>,
    pub(crate) server: &'s Server,
    pub(crate) world: &'s World,
}

impl Search<'_> {
    /// By the receipt; a repository that was there before the tool has none.
    pub(crate) fn find(&self) -> Result<Desired, Failure> {
        // Nothing is changed here, so that the folder need not be a git repository.
        let files = Files::Folder(self.folder.to_owned());
        match files.receipt(&self.folder.display().to_string())? {
            Some(receipt) => self.with(receipt, &files),
            None => self.without(),
        }
    }

    /// The answers are the receipt's. The repository is where the registry says, else where the remote `origin` says.
    fn with(&self, receipt: Receipt, files: &Files) -> Result<Desired, Failure> {
        let Inputs { spec, spec_root: _, answers, set, template } = self.inputs;
        if spec.is_some() || answers.is_some() || !set.is_empty() {
            return Err(DesiredError::Answered(self.folder.to_owned()).into());
        }
        let record = self.record(receipt.name.as_str())?;
        let recorded = record.as_ref().and_then(|record| self.server.target(&record.repository.url));
        let target = recorded.or_else(|| self.origin());
        let target = target.ok_or_else(|| DesiredError::NotHosted(receipt.name.to_string()))?;
        let template = request::again(template, &receipt.template, &receipt.name, self.world)?;
        let material = Material::of_receipt(receipt, files, template.into(), self.world)?;
        Ok(Desired { target, record, settings: open::github::on_main(self.asked(material, None)?) })
    }

    /// The repository is where the remote `origin` says; by that the registry knows it, if at all. What the registry
    /// knows are answers, too.
    fn without(&self) -> Result<Desired, Failure> {
        let Some(target) = self.origin() else {
            return Err(DesiredError::NotHosted(self.folder.display().to_string()).into());
        };
        let page = self.server.page(&target);
        let holder = self.registry.map(|registry| registry.holder(KeyKind::Repository, &page)).transpose()?.flatten();
        let record = holder.map(|name| self.record(&name)).transpose()?.flatten();
        let inputs = self.inputs;
        let template = match &record {
            Some(record) if !record.template.source.is_empty() => {
                request::again(&inputs.template, &record.template, &record.name, self.world)?
            }
            _ if inputs.template.source.is_none() => {
                return Err(DesiredError::NoTemplate(self.folder.to_owned()).into());
            }
            _ => template::read(&inputs.template, self.world)?,
        };
        let name =
            record.as_ref().map_or_else(|| ApiName::new(target.name.clone()), |record| Ok(record.name.clone()))?;
        let mut material = Material::with(name, inputs, template.into(), self.world)?;
        if let Some(record) = &record {
            material.stage = (record.phase, record.ending.clone());
            for (question, value) in render::told(record) {
                material.derive(question, value);
            }
        }
        let settings = self.asked(material, record.as_ref())?;
        Ok(Desired { target, record, settings })
    }

    fn record(&self, name: &str) -> Result<Option<Record>, Failure> {
        Ok(self.registry.map(|registry| registry.get(name)).transpose()?.flatten())
    }

    fn origin(&self) -> Option<RepositorySlug> {
        publish::origin(self.folder).and_then(|url| self.server.target(&url))
    }

    /// What the template asks of a repository made of this.
    fn asked(&self, mut material: Material, known: Option<&Record>) -> Result<Settings, Failure> {
        let answers = material.answers(self.world, &|_, proposed: Option<Value>| proposed)?;
        let _bar = self.world.terminal.bar("rendering");
        let mut record = render::draft(&material, &answers);
        if let Some(known) = known {
            (record.guid, record.spec_guid) = (known.guid, known.spec_guid);
        }
        Ok(render::repository(&material, &answers, &record)?.settings)
    }
}
