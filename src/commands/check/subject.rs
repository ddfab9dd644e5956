//! Which repository is looked at, and what its template asks of it.

use std::path::Path;

use serde_json::Value;

use super::{CheckError, read};
use crate::cli::CheckArgs;
use crate::error::Failure;
use crate::forge::github::Server;
use crate::git::publish;
use crate::model::name::ApiName;
use crate::model::receipt::{self, Receipt};
use crate::model::record::{KeyKind, Record};
use crate::model::repository::Target;
use crate::model::settings::Settings;
use crate::registry::Registry;
use crate::scaffold::request::{self, Inputs, Material};
use crate::scaffold::{open, render, template};
use crate::world::World;

/// A repository, and what is to be so there.
pub(super) struct Subject {
    pub(super) target: Target,
    /// What the registry knows of it.
    pub(super) record: Option<Record>,
    pub(super) settings: Settings,
}

/// Where everything is looked for.
pub(super) struct Search<'s> {
    pub(super) arguments: &'s CheckArgs,
    pub(super) folder: &'s Path,
    pub(super) registry: Option<&'s Registry>,
    pub(super) server: &'s Server,
    pub(super) world: &'s World,
}

impl Search<'_> {
    /// By the receipt; a repository that was there before the tool has none.
    pub(super) fn subject(&self) -> Result<Subject, Failure> {
        if self.folder.join(receipt::FILE_NAME).exists() {
            return self.with(read(self.folder)?);
        }
        self.without()
    }

    /// The answers are the receipt's. The repository is where the registry says, else where the remote `origin` says.
    fn with(&self, receipt: Receipt) -> Result<Subject, Failure> {
        let Inputs { spec, answers, set, template } = self.arguments.input.inputs();
        if spec.is_some() || answers.is_some() || !set.is_empty() {
            return Err(CheckError::Answered(self.folder.to_owned()).into());
        }
        let record = self.record(receipt.name.as_str())?;
        let recorded = record.as_ref().and_then(|record| self.server.target(&record.repository.url));
        let target = recorded.or_else(|| self.origin());
        let target = target.ok_or_else(|| CheckError::NotHosted(receipt.name.to_string()))?;
        let template = request::again(&template, &receipt.template, &receipt.name, self.world)?;
        let material = Material::of_receipt(receipt, self.folder, template.into(), self.world)?;
        Ok(Subject { target, record, settings: open::github::on_main(self.asked(material, None)?) })
    }

    /// The repository is where the remote `origin` says; by that the registry knows it, if at all. What the registry
    /// knows are answers, too.
    fn without(&self) -> Result<Subject, Failure> {
        let Some(target) = self.origin() else {
            return Err(CheckError::NotHosted(self.folder.display().to_string()).into());
        };
        let page = self.server.page(&target);
        let holder = self.registry.map(|registry| registry.holder(KeyKind::Repository, &page)).transpose()?.flatten();
        let record = holder.map(|name| self.record(&name)).transpose()?.flatten();
        let inputs = self.arguments.input.inputs();
        let template = match &record {
            Some(record) if !record.template.source.is_empty() => {
                request::again(&inputs.template, &record.template, &record.name, self.world)?
            }
            _ if inputs.template.source.is_none() => {
                return Err(CheckError::NoTemplate(self.folder.to_owned()).into());
            }
            _ => template::read(&inputs.template, self.world)?,
        };
        let name =
            record.as_ref().map_or_else(|| ApiName::new(target.name.clone()), |record| Ok(record.name.clone()))?;
        let mut material = Material::with(name, &inputs, template.into(), self.world)?;
        if let Some(record) = &record {
            material.stage = (record.phase, record.ending.clone());
            for (question, value) in render::told(record) {
                material.derive(question, value);
            }
        }
        let settings = self.asked(material, record.as_ref())?;
        Ok(Subject { target, record, settings })
    }

    fn record(&self, name: &str) -> Result<Option<Record>, Failure> {
        Ok(self.registry.map(|registry| registry.get(name)).transpose()?.flatten())
    }

    fn origin(&self) -> Option<Target> {
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
