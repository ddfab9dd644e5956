//! A repository on a forge, as it is to be made.

/// Its owner and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositorySlug {
    pub owner: String,
    pub name: String,
}

/// What kind of owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKind {
    /// It has teams and custom properties.
    Organisation,
    /// It has neither.
    User,
}

/// Who may see a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Visibility {
    /// Anyone.
    Public,
    /// People with access.
    #[default]
    Private,
    /// Everyone in the enterprise.
    Internal,
}

impl Visibility {
    /// GitHub's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Internal => "internal",
        }
    }
}

/// A repository to be made, empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRepository {
    pub target: RepositorySlug,
    pub kind: OwnerKind,
    pub visibility: Visibility,
    /// The line below its name.
    pub description: Option<String>,
    /// The link beside it.
    pub homepage: Option<String>,
}
