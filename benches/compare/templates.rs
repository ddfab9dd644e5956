//! Templates as a description: the same text for every tool, whatever its tags look like.

/// What a file's text or path is made of.
pub(crate) enum Piece {
    /// Text that stays as it is.
    Text(String),
    /// An answer.
    Variable(Variable),
    /// What GitHub reads, not the tool: `${{ … }}`.
    Expression(&'static str),
    /// Text that stays when the answer `style` is `apigee`, which it is.
    Condition(String),
    /// Text around a number that counts from 1 to `last`.
    Loop { last: usize, before: &'static str, after: &'static str },
}

/// The answers that the templates ask for.
#[derive(Clone, Copy)]
pub(crate) enum Variable {
    Name,
    Title,
    Team,
}

impl Variable {
    /// The answer, for an API of this name.
    pub(crate) fn value(self, name: &str) -> &str {
        match self {
            Self::Name => name,
            Self::Title => "Orders and Payments",
            Self::Team => "payments-team",
        }
    }
}

/// A file of a template.
pub(crate) struct Entry {
    pub(crate) path: Vec<Piece>,
    pub(crate) text: Vec<Piece>,
}

/// How many files a template has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    S,
    M,
    L,
}

impl Size {
    pub(crate) fn files(self) -> usize {
        match self {
            Self::S => 60,
            Self::M => 1_000,
            Self::L => 10_000,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::M => "M",
            Self::L => "L",
        }
    }
}

/// What one kind of file looks like: lines of text between `before` and `after`.
struct Kind {
    extension: &'static str,
    head: &'static str,
    before: &'static str,
    after: &'static str,
    tail: &'static str,
}

const WORKFLOW: usize = 1;
const KINDS: [Kind; 5] = [
    Kind { extension: "md", head: "# Guide\n\n", before: "* ", after: "\n", tail: "" },
    Kind {
        extension: "yml",
        head: "on: [push]\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n",
        before: "      - run: echo ",
        after: "\n",
        tail: "",
    },
    Kind { extension: "xml", head: "<Policy>\n", before: "  <Text>", after: "</Text>\n", tail: "</Policy>\n" },
    Kind {
        extension: "json",
        head: "{\n  \"texts\": [\n",
        before: "    \"",
        after: "\",\n",
        tail: "    \"\"\n  ]\n}\n",
    },
    Kind { extension: "py", head: "TEXTS = [\n", before: "    \"", after: "\",\n", tail: "]\n" },
];

const WORDS: [&str; 24] = [
    "the",
    "request",
    "is",
    "checked",
    "against",
    "a",
    "quota",
    "before",
    "it",
    "reaches",
    "back",
    "end",
    "and",
    "every",
    "answer",
    "carries",
    "correlation",
    "identifier",
    "that",
    "support",
    "teams",
    "can",
    "search",
    "for",
];
const EXPRESSIONS: [&str; 3] = ["${{ github.ref }}", "${{ matrix.version }}", "${{ secrets.TOKEN || '' }}"];

/// Bytes of a file, about.
const FILE_SIZE: usize = 5_000;
/// Files of a folder.
const FOLDER_FILES: usize = 8;
/// One file in three has tags.
const TAGGED_EVERY: usize = 3;
/// One line in two of a file with tags has one, up to its number of them: 27 tags in the middle.
const TAG_EVERY: usize = 2;

/// The files of a template; the same ones at every call.
pub(crate) fn describe(size: Size) -> Vec<Entry> {
    let mut dice = Dice(1);
    (0..size.files()).map(|index| Entry { path: path(index), text: text(index, &mut dice) }).collect()
}

fn path(index: usize) -> Vec<Piece> {
    let folder = index / FOLDER_FILES;
    let file = format!("-{folder}/text-{index}.{}", KINDS[index % KINDS.len()].extension);
    let area = format!("area-{}/", folder / FOLDER_FILES);
    if folder % 10 == 3 {
        vec![Piece::Text(area), Piece::Variable(Variable::Name), Piece::Text(file)]
    } else {
        vec![Piece::Text(format!("{area}part{file}"))]
    }
}

fn text(index: usize, dice: &mut Dice) -> Vec<Piece> {
    let kind = &KINDS[index % KINDS.len()];
    let mut tags = if index.is_multiple_of(TAGGED_EVERY) { 8 + dice.throw(19) } else { 0 };
    let mut pieces = vec![Piece::Text(kind.head.to_owned())];
    let mut bytes = 0;
    for line in 0.. {
        if bytes >= FILE_SIZE {
            break;
        }
        let words = sentence(dice);
        bytes += kind.before.len() + words.len() + kind.after.len();
        if tags > 0 && line % TAG_EVERY == 1 {
            tagged(kind, tags, words, &mut pieces);
            tags -= 1;
        } else if index % KINDS.len() == WORKFLOW && line % 10 == 4 {
            pieces.push(Piece::Text(format!("{}{words} ", kind.before)));
            pieces.push(Piece::Expression(EXPRESSIONS[dice.throw(EXPRESSIONS.len())]));
            pieces.push(Piece::Text(kind.after.to_owned()));
        } else {
            pieces.push(Piece::Text(format!("{}{words}{}", kind.before, kind.after)));
        }
    }
    pieces.push(Piece::Text(kind.tail.to_owned()));
    pieces
}

/// A line with the tag of this number: two are loops, six are conditions, the others variables.
fn tagged(kind: &'static Kind, number: usize, words: String, pieces: &mut Vec<Piece>) {
    match number {
        1 | 2 => pieces.push(Piece::Loop { last: 3, before: kind.before, after: kind.after }),
        3..=8 => pieces.push(Piece::Condition(format!("{}{words}{}", kind.before, kind.after))),
        _ => {
            let variable = [Variable::Name, Variable::Title, Variable::Team][number % 3];
            pieces.push(Piece::Text(format!("{}{words} ", kind.before)));
            pieces.push(Piece::Variable(variable));
            pieces.push(Piece::Text(kind.after.to_owned()));
        }
    }
}

fn sentence(dice: &mut Dice) -> String {
    let words: Vec<_> = (0..8 + dice.throw(8)).map(|_| WORDS[dice.throw(WORDS.len())]).collect();
    words.join(" ")
}

/// Numbers that look thrown and are the same at every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}
