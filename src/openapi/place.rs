//! Where in a text a JSON pointer leads, as line and column: found out only for what a message names.

use std::collections::HashMap;
use std::fmt;

use granit_parser::{Event, Parser, options};

use super::document;

/// A place in a text; both numbers begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The place of each of `pointers` in a JSON or YAML file: of the key that holds the value, or of the item in its list.
/// What an alias or `<<` puts there has the place of the nearest thing around it. Nothing when the text cannot be read.
pub(super) fn places<'p>(bytes: &[u8], pointers: impl Iterator<Item = &'p str>) -> Vec<Option<Place>> {
    let mut wanted = Wanted { nodes: vec![Node::default()] };
    let ends: Vec<Vec<usize>> = pointers.map(|pointer| wanted.add(pointer)).collect();
    if let Ok(text) = document::text(bytes) {
        wanted.find(text);
    }
    let nearest = |way: Vec<usize>| way.iter().rev().find_map(|node| wanted.nodes[*node].place);
    ends.into_iter().map(nearest).collect()
}

/// A value that a wanted pointer leads to or through.
#[derive(Default)]
struct Node {
    place: Option<Place>,
    below: HashMap<String, usize>,
}

struct Wanted {
    nodes: Vec<Node>,
}

/// A list or an object that the reader is in. `None` for `node` stands for a value that nobody wants.
enum Frame {
    /// `value` is what the next value is; nothing when a key comes next.
    Object {
        node: Option<usize>,
        value: Option<Option<usize>>,
    },
    List {
        node: Option<usize>,
        next: usize,
    },
}

impl Wanted {
    /// Adds a pointer; the answer is the way to its node.
    fn add(&mut self, pointer: &str) -> Vec<usize> {
        let mut way = vec![0];
        let mut at = 0;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            let new = self.nodes.len();
            at = *self.nodes[at].below.entry(name).or_insert(new);
            if at == new {
                self.nodes.push(Node::default());
            }
            way.push(at);
        }
        way
    }

    /// Reads the text until it ends or is no YAML, and notes the places of what is wanted.
    fn find(&mut self, text: &str) {
        let mut frames: Vec<Frame> = Vec::new();
        for read in Parser::new_from_str_with_options(text, options! { emit_comments: false }) {
            let Ok((event, span)) = read else { break };
            if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
                frames.pop();
            }
            if !event.is_node() {
                continue;
            }
            let place = Place { line: span.start.line(), column: span.start.col() + 1 };
            let Some(node) = self.enter(frames.last_mut(), &event, place) else { continue };
            match event {
                Event::MappingStart(..) => frames.push(Frame::Object { node, value: None }),
                Event::SequenceStart(..) => frames.push(Frame::List { node, next: 0 }),
                _ => {}
            }
        }
    }

    /// What the value that begins here is; nothing for a key that is text. The place of an object's value is its key's.
    fn enter(&mut self, frame: Option<&mut Frame>, event: &Event<'_>, place: Place) -> Option<Option<usize>> {
        let below = |nodes: &[Node], node: Option<usize>, name: &str| nodes[node?].below.get(name).copied();
        let (node, is_key) = match frame {
            None => (Some(0), false),
            Some(Frame::List { node, next }) => {
                let item = below(&self.nodes, *node, &next.to_string());
                *next += 1;
                (item, false)
            }
            Some(Frame::Object { value, .. }) if value.is_some() => return value.take(),
            Some(Frame::Object { node, value }) => {
                let name = event.scalar().map(|(name, _)| name);
                let found = name.and_then(|name| below(&self.nodes, *node, name));
                *value = Some(found);
                (found, name.is_some())
            }
        };
        if let Some(node) = node {
            self.nodes[node].place.get_or_insert(place);
        }
        (!is_key).then_some(node)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn found(text: &str, pointers: &[&str]) -> Vec<Option<(usize, usize)>> {
        let found = places(text.as_bytes(), pointers.iter().copied());
        found.into_iter().map(|place| place.map(|place| (place.line, place.column))).collect()
    }

    #[test]
    fn a_pointer_has_the_place_of_its_key_or_item() {
        let yaml = "# note\nopenapi: 3.0.3\npaths:\n  /a/b~c: &item\n    get:\n      tags: [x, y]\n      200: {z: 1}\n  ? [odd]\n  : deep\n  /d: *item\n";
        for (pointer, place) in [
            ("", (2, 1)),
            ("/paths", (3, 1)),
            ("/paths/~1a~1b~0c/get", (5, 5)),
            ("/paths/~1a~1b~0c/get/tags/1", (6, 17)),
            ("/paths/~1a~1b~0c/get/200/z", (7, 13)),
            ("/paths/~1d", (10, 3)),
            ("/paths/~1d/get/tags/0", (10, 3)),
            ("/paths/~1gone", (3, 1)),
        ] {
            assert_eq!(found(yaml, &[pointer]), [Some(place)], "{pointer}");
        }
        let json = "\u{feff}{\n\t\"a\": [ {\"b\": 1},\n {\"é\": {\"c\": 2}} ]\n}";
        assert_eq!(found(json, &["/a/0/b", "/a/1/é/c"]), [Some((2, 10)), Some((3, 9))]);
        assert_eq!(found("a: [", &["/a"]), [Some((1, 1))], "as far as it can be read");
        assert_eq!(found("", &["/a"]), [None]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i32>().prop_map(Value::from),
            "[a-z:#é\\\\\"~/ ]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z~/: é\"{]{0,5}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Every pointer of a value, in the order in which a printer writes what they lead to.
    fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
        let mut enter = |name: &str, below: &Value| {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            all.push(pointer.clone());
            pointers(below, &pointer, all);
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, below)| enter(key, below)),
            Value::Array(list) => list.iter().enumerate().for_each(|(at, below)| enter(&at.to_string(), below)),
            _ => {}
        }
    }

    proptest! {
        /// Printed with a line for each value, each pointer leads to the line of its value.
        #[test]
        fn each_value_of_a_printed_document_is_found_in_its_line(value in any_value()) {
            let text = serde_json::to_string_pretty(&value).expect("JSON");
            let mut all = Vec::new();
            pointers(&value, "", &mut all);
            let begins = |line: &&(usize, &str)| !matches!(line.1.trim().trim_end_matches(','), "]" | "}");
            let lines: Vec<usize> = text.lines().enumerate().collect::<Vec<_>>().iter().filter(begins).skip(1).map(|(at, _)| at + 1).collect();
            let found = places(text.as_bytes(), all.iter().map(String::as_str));
            let found: Vec<usize> = found.into_iter().map(|place| place.expect("found").line).collect();
            prop_assert_eq!(found, lines, "{}", text);
        }
    }
}
