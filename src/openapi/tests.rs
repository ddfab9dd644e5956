use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::error::{Blame as _, Fault, render};
use crate::model::tree::File;

mod corpus;
mod reported;
mod root;
mod wrong;

fn own(name: &str) -> Spec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(name);
    read_both_ways(&path).unwrap_or_else(|error| panic!("{}", render(&error)))
}

/// Reads a document on disk, and once more among files in memory: that must come to the same.
fn read_both_ways(path: &Path) -> Result<Spec, SpecError> {
    let spec = super::read(path, None)?;
    let mut files = Tree::new();
    for (name, file) in spec.tree.iter() {
        files.insert(TreePath::new(format!("a/b/{name}")).expect("a path"), file.clone()).expect("new");
    }
    let among = read_in(&files, &format!("a/b/{}", spec.main)).expect("read on disk");
    assert_eq!((&among.main, &among.tree, &among.document), (&spec.main, &spec.tree, &spec.document));
    assert_eq!(format!("{:?}", among.summary), format!("{:?}", spec.summary));
    assert_eq!(among.findings, spec.findings, "{}", path.display());
    Ok(spec)
}

fn read_in(files: &Tree, path: &str) -> Result<Spec, SpecError> {
    super::read_among(&|path| Ok(files.get(path).map(|file| file.bytes.clone())), path, "")
}

#[test]
fn among_files_in_memory_a_document_is_read_as_from_disk() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if read_both_ways(&path).is_ok() {
                read += 1;
            }
        }
    }
    assert!(read >= 6, "{read} documents");
}

#[test]
fn among_files_in_memory_the_same_is_refused() {
    let refused = |files: &[(&str, &str)], path: &str| {
        let files = files
            .iter()
            .map(|(path, text)| (TreePath::new(*path).expect("a path"), File::plain(text.as_bytes().to_vec())));
        read_in(&Tree::of(files.collect()).expect("paths"), path).expect_err("this must be refused")
    };
    let api = document("x: {$ref: '../outside.yaml'}");
    let files = [("spec/api.yaml", api.as_str()), ("outside.yaml", "a: 1")];
    assert!(matches!(refused(&files, "spec/api.yaml"), SpecError::Outside { .. }));
    let missing = refused(&files, "spec/other.yaml");
    assert_eq!(missing.to_string(), "cannot read `spec/other.yaml`");
    assert!(matches!(refused(&files, "outside.yaml"), SpecError::NotOpenApi { .. }));
    let broken =
        super::read_among(&|_| Err(std::io::Error::other("no disk")), "spec/api.yaml", "").expect_err("broken");
    assert!(render(&broken).contains("no disk"), "{}", render(&broken));
    let large = " ".repeat(usize::try_from(MAX_FILE).expect("a size") + 1);
    assert!(matches!(refused(&[("api.yaml", &large)], "api.yaml"), SpecError::FileTooLarge { .. }));
}

/// A folder with files; the first is the document.
struct Files {
    folder: TempDir,
    main: PathBuf,
}

impl Files {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        let main = folder.path().join(files.first().expect("a document").0);
        Self { folder, main }
    }

    fn read(&self) -> Result<Spec, SpecError> {
        super::read(&self.main, None)
    }
}

fn one(text: impl AsRef<[u8]>) -> Result<Spec, SpecError> {
    Files::new(&[("api.yaml", text.as_ref())]).read()
}

fn refused(text: impl AsRef<[u8]>) -> SpecError {
    one(text).expect_err("this must be refused")
}

/// One operation, so that nothing is found in a document that has no other fault.
const PATHS: &str = "paths: {/o: {get: {}}}";

fn document(rest: &str) -> String {
    format!("openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\n{PATHS}\n{rest}")
}

fn kinds(spec: &Spec) -> Vec<(String, FindingKind)> {
    spec.findings.iter().map(|finding| (format!("{}#{}", finding.file, finding.pointer), finding.kind)).collect()
}

fn operations(spec: &Spec) -> Vec<String> {
    spec.summary.operations.iter().map(|operation| format!("{} {}", operation.method, operation.path)).collect()
}

#[test]
fn a_spec_of_many_files_is_collected_byte_for_byte() {
    let spec = own("library/library.yaml");
    let paths: Vec<_> = spec.tree.iter().map(|(path, _)| path.as_str()).collect();
    let expected = ["examples/book.xml", "library.yaml", "paths/books.yaml", "schemas/book.json", "texts/about.md"];
    assert_eq!(paths, expected);
    assert_eq!(spec.main.as_str(), "library.yaml");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/library");
    for (path, file) in spec.tree.iter() {
        assert_eq!(file.bytes, fs::read(folder.join(path.as_str())).expect("the file"), "{path}");
    }
    assert_eq!(kinds(&spec), [("library.yaml#/components/securitySchemes/login".to_owned(), FindingKind::Remote)]);
}

#[test]
fn the_summary_says_what_the_document_says() {
    let summary = own("library/library.yaml").summary;
    assert_eq!((summary.title.as_str(), summary.version.as_str()), ("Village library", "1.10"));
    assert_eq!(summary.openapi, "3.0.3");
    assert_eq!(summary.description, "The library of the village.\n");
    assert_eq!(summary.servers, ["https://library.example.org/v1", "{base}/v1"]);
    assert_eq!(summary.security, ["key", "login"]);
    let contact = summary.contact.expect("a contact");
    assert_eq!((contact.email.as_deref(), contact.url), (Some("books@example.org"), None));
}

#[test]
fn operations_are_found_behind_references_of_every_kind() {
    let spec = own("library/library.yaml");
    let expected = ["GET /books", "POST /books", "GET /books/{id}", "GET /books/{id}#return", "POST /$reindex"];
    assert_eq!(operations(&spec), expected);
    let [list, add, one, again, reindex] = spec.summary.operations.as_slice() else { panic!("five") };
    assert_eq!((list.id.as_deref(), list.summary.as_str()), (Some("listBooks"), "All books"));
    assert_eq!(
        (&list.tags, &list.statuses),
        (&vec!["books".to_owned()], &vec!["200".to_owned(), "default".to_owned()])
    );
    assert_eq!(list.security, ["key", "login"]);
    assert_eq!(add.statuses, ["201", "4XX"]);
    assert_eq!(one.id, again.id);
    assert!(reindex.deprecated && !list.deprecated && reindex.security.is_empty());
    assert_eq!(reindex.statuses, ["202"]);
}

#[test]
fn swagger_2_is_read() {
    let spec = own("lamp-2.0.yaml");
    assert_eq!(spec.summary.openapi, "2.0");
    assert_eq!(spec.summary.version, "2020-01-01");
    assert_eq!(spec.summary.servers, ["https://lamp.example.org/v2", "wss://lamp.example.org/v2"]);
    assert_eq!(spec.summary.security, ["basic"]);
    assert_eq!(operations(&spec), ["GET /lamp"], "Swagger 2.0 knows no trace");
    assert_eq!(spec.summary.operations[0].security, ["basic"]);
    let bare = one("swagger: '2.0'\ninfo: {title: T}\nbasePath: /v1\npaths: {}").expect("read");
    assert_eq!(bare.summary.servers, ["/v1"]);
}

#[test]
fn media_types_and_schemas_are_listed_once() {
    let spec = one(document_with(
        "  /a:\n    post:\n      requestBody: {$ref: '#/components/requestBodies/b'}\n      responses:\n        '200': \
         {description: d, content: {a/json: {}, x-not: {}, a/xml: {}}}\n        x-own: {content: {a/none: {}}}\n        \
         default: {$ref: '#/components/responses/e'}\n",
        "components:\n  schemas: {Pet: {}, Fault: {}}\n  requestBodies: {b: {content: {a/xml: {}}}}\n  responses: {e: \
         {description: d, content: {a/problem: {}}}}\n",
    ));
    let summary = spec.expect("good").summary;
    assert_eq!(summary.operations[0].media_types, ["a/xml", "a/json", "a/problem"]);
    assert_eq!(summary.schemas, ["Pet", "Fault"]);
    let swagger = "swagger: '2.0'\ninfo: {title: T, version: '1'}\nconsumes: [a/x]\nproduces: [a/y]\ndefinitions: {P: {}}\n\
                   paths:\n  /a:\n    get: {responses: {}}\n    put: {produces: [a/z, a/x], responses: {}}\n";
    let summary = one(swagger).expect("good").summary;
    let types: Vec<_> = summary.operations.iter().map(|operation| operation.media_types.join(" ")).collect();
    assert_eq!((types, summary.schemas), (vec!["a/x a/y".to_owned(), "a/x a/z".to_owned()], vec!["P".to_owned()]));
}

#[test]
fn servers_of_a_path_or_an_operation_with_another_path_are_a_finding() {
    for (all, own, found) in [
        ("[{url: 'https://a.org/v1'}]", "[{url: 'https://b.org/v1/'}]", 0),
        ("[{url: 'https://a.org/v1'}]", "[{url: 'https://a.org/v2'}]", 1),
        ("[{url: 'https://a.org/v1'}]", "[{url: 'https://a.org'}]", 1),
        ("[{url: 'https://a.org'}]", "[{url: '/{x}', variables: {x: {default: up}}}]", 1),
        ("[{url: 'https://a.org'}]", "[{url: 'https://up.org/'}]", 0),
        ("[{url: 'https://a.org/v1'}]", "[]", 0),
    ] {
        for (item, at) in [
            (format!("  /a:\n    servers: {own}\n    get: {{responses: {{}}}}\n"), ""),
            (format!("  /a:\n    get: {{servers: {own}, responses: {{}}}}\n"), "/get"),
        ] {
            let spec = one(document_with(&item, &format!("servers: {all}\n"))).expect("good");
            let want = vec![(format!("api.yaml#/paths/~1a{at}/servers"), FindingKind::Elsewhere); found];
            assert_eq!(kinds(&spec), want, "{all} {item}");
        }
    }
}

fn document_with(paths: &str, rest: &str) -> String {
    format!("openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n{paths}{rest}")
}

#[test]
fn the_methods_of_3_2_are_read() {
    let spec = own("queue-3.2.yaml");
    assert_eq!(operations(&spec), ["QUERY /messages", "COPY /messages"]);
    assert_eq!(spec.summary.webhooks, ["arrived"]);
    let older = one(document("").replace(PATHS, "paths: {/a: {query: {}, additionalOperations: {COPY: {}}}}"));
    let older = older.expect("read");
    assert!(older.summary.operations.is_empty(), "3.0 knows neither");
    assert_eq!(older.findings.len(), 3, "{:?}", older.findings);
}

#[test]
fn what_looks_like_an_operation_and_is_none_is_told() {
    let item = "{GET: {}, purge: {}, x-own: {}, parameters: [], servers: [], summary: S, get: {}}";
    let spec = one(document("").replace(PATHS, &format!("paths: {{/a: {item}, b: {{get: {{}}}}}}"))).expect("read");
    assert_eq!(operations(&spec), ["GET /a", "GET b"]);
    let told: Vec<String> = spec.findings.iter().map(ToString::to_string).collect();
    let method = "is not a method of this version of OpenAPI";
    let expected = [
        format!("api.yaml:3:14 (/paths/~1a/GET): `GET` {method}: write `get`"),
        format!("api.yaml:3:23 (/paths/~1a/purge): `purge` {method}"),
        "api.yaml:3:96 (/paths/b): `b` does not begin with `/`, as a path must".to_owned(),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_path_item_has_its_own_methods_and_those_it_refers_to() {
    let text = document("x-item: {get: {operationId: theirs}, put: {}}")
        .replace(PATHS, "paths: {/a: {get: {operationId: own}, $ref: '#/x-item'}}");
    let spec = one(text).expect("read");
    assert_eq!(operations(&spec), ["GET /a", "PUT /a"]);
    assert_eq!(spec.summary.operations[0].id.as_deref(), Some("own"));
}

#[test]
fn a_whole_part_of_the_document_may_be_in_another_file() {
    let spec = Files::new(&[
        ("api.yaml", b"openapi: 3.1.0\ninfo: {$ref: info.yaml}\npaths: {$ref: 'p/all.yaml#/paths'}"),
        ("info.yaml", b"title: Elsewhere\nversion: '3'"),
        ("p/all.yaml", b"paths: {/a: {$ref: a.yml}}"),
        ("p/a.yml", b"get: {$ref: op.json}"),
        ("p/op.json", b"{\"operationId\": \"deep\"}"),
    ]);
    let spec = spec.read().expect("read");
    assert_eq!(spec.summary.title, "Elsewhere");
    assert_eq!(spec.summary.operations[0].id.as_deref(), Some("deep"));
    assert_eq!(spec.tree.len(), 5);
    assert_eq!(spec.findings, []);
}

#[test]
fn a_reference_that_leads_nowhere_is_a_finding_with_its_place() {
    let spec = one(document(
        "x:\n  a: {$ref: gone.yaml}\n  b: [{$ref: '#/no/such'}]\n  c: {$ref: .}\n  d: {externalValue: gone.json}\n  e: {$ref: '#nobody'}\n  f: {$ref: '#here', $anchor: here}\n",
    ))
    .expect("read");
    let expected = ["api.yaml#/x/a", "api.yaml#/x/b/0", "api.yaml#/x/c", "api.yaml#/x/e"];
    assert_eq!(kinds(&spec), expected.map(|at| (at.to_owned(), FindingKind::Dangling)));
    assert_eq!(spec.findings[0].message, "`gone.yaml` leads nowhere: there is no such file");
    assert_eq!(spec.findings[1].message, "`#/no/such` leads nowhere: the file has no such place");
}

#[test]
fn an_example_in_a_file_of_its_own_need_not_be_sound() {
    let text = document("x: {examples: {e: {externalValue: bad.json}}}");
    let files = Files::new(&[("api.yaml", text.as_bytes()), ("bad.json", b"{\"a\": ")]);
    let spec = files.read().expect("read");
    assert!(spec.tree.get("bad.json").is_some() && spec.findings.is_empty());
    fs::write(&files.main, document("x: {$ref: bad.json}")).expect("written");
    assert!(matches!(files.read(), Err(SpecError::Parse { .. })));
}

#[test]
fn a_remote_reference_is_a_finding() {
    let spec = one(document("x: {$ref: 'https://example.org/a.yaml#/b'}")).expect("read");
    assert_eq!(kinds(&spec), [("api.yaml#/x".to_owned(), FindingKind::Remote)]);
}

#[test]
fn a_file_must_be_named_as_it_is() {
    let refused = |reference: &str| {
        let files = Files::new(&[
            ("api.yaml", document(&format!("x: {{y: {{$ref: '{reference}'}}}}")).as_bytes()),
            ("a b.yaml", b"c/d: {e: 1}"),
        ]);
        files.read().err().map(|error| render(&error))
    };
    for (reference, plain) in [("a%20b.yaml", "a b.yaml"), ("a b.yaml?v=1#/c%2Fd", "a b.yaml#/c%2Fd")] {
        let text = refused(reference).expect("refused");
        assert!(text.contains(&format!("api.yaml:4:5` refers at `/x/y` to `{reference}`")), "{text}");
        assert!(text.contains(&format!("hint: write `{plain}`, or rename the file")), "{text}");
    }
    for fine in ["a b.yaml#/c~1d", "#/x%20y", "gone%20b.yaml", "https://example.org/a%20b.yaml"] {
        assert_eq!(refused(fine), None, "{fine}");
    }
}

#[test]
fn a_reference_that_leaves_the_folder_is_refused() {
    for reference in ["../x.yaml", "/etc/passwd", "file:///etc/passwd", "a/../../x.yaml", "%2e%2e/x.yaml"] {
        let error = refused(document(&format!("x: {{y: {{$ref: '{reference}'}}}}")));
        let text = render(&error);
        assert_eq!(error.fault(), Fault::Input);
        assert!(text.contains("api.yaml:4:5` refers at `/x/y` to"), "{text}");
        assert!(text.contains(reference), "{text}");
        assert!(text.contains("with `--spec-root`, move the file beside the document"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_symlink_is_followed_inside_the_folder_and_refused_outside() {
    let text = document("x: {$ref: link.yaml}");
    let outside = Files::new(&[("secret.yaml", b"a: 1")]);
    let files = Files::new(&[("api.yaml", text.as_bytes()), ("real.yaml", b"b: 2")]);
    let link = files.folder.path().join("link.yaml");
    std::os::unix::fs::symlink("real.yaml", &link).expect("a link");
    let tree = files.read().expect("read").tree;
    assert_eq!(tree.get("link.yaml").map(|file| file.bytes.as_ref()), Some(&b"b: 2"[..]));
    fs::remove_file(&link).expect("removed");
    std::os::unix::fs::symlink(&outside.main, &link).expect("a link");
    assert!(matches!(files.read(), Err(SpecError::Outside { .. })));
}

#[test]
fn the_content_decides_what_a_document_is() {
    let json = br#"{"openapi": "3.0.0", "info": {"title": "J"}, "paths": {}}"#;
    assert_eq!(one(json).expect("JSON in .yaml").summary.title, "J");
    assert_eq!(one(b"{openapi: 3.0.0, info: {title: J},}").expect("flow YAML").summary.title, "J");
    assert_eq!(one([b"\xef\xbb\xbf", &json[..]].concat()).expect("with BOM").summary.title, "J");
    let yaml = Files::new(&[("api.json", b"openapi: 3.0.0\r\ninfo:\r\n  title: Y\r\n")]);
    assert_eq!(yaml.read().expect("YAML in .json").summary.title, "Y");
    let comma = Files::new(&[("api.json", br#"{"openapi": "3.0.0",}"#)]);
    assert!(matches!(comma.read(), Err(SpecError::Parse { .. })), "what is called JSON must be JSON");
}

#[test]
fn a_version_must_be_a_text_and_whole() {
    for (text, expected) in [("openapi: 3.0.4", "3.0.4"), ("openapi: 3.1.0", "3.1.0"), ("swagger: '2.0'", "2.0")] {
        assert_eq!(one(format!("{text}\ninfo: {{title: T}}")).expect(text).summary.openapi, expected);
    }
    let (v30, v31, v32, v2) = ("openapi: 3.0.4", "openapi: 3.1.1", "openapi: 3.2.0", "swagger: \"2.0\"");
    for (text, whole) in [
        ("openapi: 3.1", v31),
        ("openapi: '3.0'", v30),
        ("swagger: 2.0", v2),
        ("openapi: 3.1.SECRETzz9", v31),
        ("openapi: 3.0.", v30),
        ("openapi: 3.0.3.1", v30),
        ("openapi: 3.0.3-SECRETzz9", v30),
        ("openapi: '3.0.3 '", v30),
        ("openapi: 3.2.0SECRETzz9", v32),
        ("openapi: 3.1.٣", v31),
        ("openapi: '3.1.0123456789'", v31),
        ("swagger: 2.0.SECRETzz9", v2),
        ("swagger: 2.0.0", v2),
        ("swagger: '2.0.'", v2),
    ] {
        let refusal = refused(text);
        assert!(matches!(refusal, SpecError::VersionNotWhole { .. }), "{text}: {refusal}");
        let said = refusal.to_string();
        assert!(!said.contains("SECRET") && !said.contains("zz9") && !said.contains("0123456789"), "{said}");
        assert_eq!((refusal.fault(), refusal.hint()), (Fault::Input, Some(format!("write `{whole}`"))), "{text}");
    }
    for text in
        ["openapi: 4.0", "swagger: 1.2", "openapi: 3.10", "openapi: 3", "openapi: [3]", "openapi:", "swagger: '3.0'"]
    {
        assert!(matches!(refused(text), SpecError::Version { .. }), "{text}");
    }
    let said = refused("swagger: 1.2").to_string();
    assert!(said.ends_with("says `swagger: 1.2`; only OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 can be read"), "{said}");
    assert_eq!(one("openapi: 3.0.0\ninfo: {title: 007, version: 1.20}").expect("read").summary.version, "1.20");
}

#[test]
fn what_stands_where_an_operation_belongs_is_a_finding() {
    let paths = "paths:\n  /a~b: {get: str, put: {responses: {}}, post: []}\n  /b: str\n  /c: {$ref: 'c.yaml'}\n";
    let text = format!("openapi: 3.0.0\ninfo: {{title: T}}\n{paths}");
    let spec = Files::new(&[("api.yaml", text.as_bytes()), ("c.yaml", b"get: 3")]).read().expect("read");
    let told: Vec<String> = spec.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "api.yaml:4:10 (/paths/~1a~0b/get): `get` is a text, not an operation",
            "api.yaml:4:42 (/paths/~1a~0b/post): `post` is a list, not an operation",
            "api.yaml:5:3 (/paths/~1b): this is a text, not a path item",
            "c.yaml:1:1 (/get): `get` is a number, not an operation",
        ]
    );
    assert_eq!(operations(&spec), ["PUT /a~b"]);
}

#[test]
fn references_in_a_circle_are_refused_and_recursion_is_not() {
    for (rest, pointer) in [
        ("x: {$ref: '#/x'}", "/x"),
        ("x: {$ref: '#/x/y/z'}", "/x"),
        (
            "components: {schemas: {A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}}}",
            "/components/schemas/A",
        ),
        ("components: {schemas: {A: {$ref: '#/components/schemas/A/properties/x'}}}", "/components/schemas/A"),
    ] {
        let refusal = refused(document(rest));
        assert!(matches!(&refusal, SpecError::Circle { pointer: at, .. } if at == pointer), "{rest}: {refusal}");
        assert_eq!(refusal.fault(), Fault::Input);
    }
    let files: &[(&str, &[u8])] = &[
        ("api.yaml", b"openapi: 3.0.0\ninfo: {title: T}\npaths: {/c: {$ref: c.yaml}}"),
        ("c.yaml", b"$ref: d.yaml"),
        ("d.yaml", b"{$ref: c.yaml, get: {}}"),
    ];
    assert!(matches!(Files::new(files).read(), Err(SpecError::Circle { .. })));
    let sound = "components: {schemas: {A: {properties: {a: {$ref: '#/components/schemas/A'}}}, B: {$ref: '#/components/schemas/A'}, C: {$ref: '#/components/schemas/B'}}}";
    assert_eq!(one(document(sound)).expect("read").findings, []);
}

#[test]
fn a_missing_title_is_a_finding() {
    for info in ["", "info:", "info: {version: '1'}", "info: {title: ' '}"] {
        let spec = one(format!("openapi: 3.0.0\n{info}\n{PATHS}\n")).expect(info);
        assert_eq!(kinds(&spec), [("api.yaml#/info".to_owned(), FindingKind::Untitled)], "{info}");
    }
}

#[test]
fn what_is_not_openapi_is_said() {
    for (text, said) in [
        ("", "but nothing: the file is empty, or holds only comments"),
        ("[1]", "but a list"),
        ("hello", "but plain text"),
        ("asyncapi: 3.0.0\ninfo: {}\na: 1\nb: 1\nc: 1", "but an AsyncAPI document"),
        ("{}", "but an empty object"),
        ("a: 1", "but an object with another key"),
        ("a: 1\nb: 1", "but an object with other keys"),
    ] {
        let error = refused(text);
        assert!(matches!(error, SpecError::NotOpenApi { .. }) && error.to_string().ends_with(said), "{error}");
    }
    let error = refused("openapi: 3.0.0\npaths: [a]");
    assert!(error.to_string().ends_with("is a list, not an object"), "{error}");
}

#[test]
fn an_error_names_file_line_and_column() {
    let error = refused("openapi: 3.0.0\ninfo: {}\ninfo: {}\n").to_string();
    assert!(error.ends_with("api.yaml:3:1`: a key appears twice"), "{error}");
    let text = document("x: {$ref: a/b.json}");
    let files = Files::new(&[("api.yaml", text.as_bytes()), ("a/b.json", b"{\n\"a\" 1}")]);
    let error = files.read().expect_err("broken JSON").to_string();
    assert!(error.ends_with("a/b.json:2:5`: expected `:`"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let files = Files::new(&[("api.yaml", document("x: {$ref: pipe.yaml}").as_bytes())]);
    let pipe = files.folder.path().join("pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    assert!(matches!(super::read(&pipe, None), Err(SpecError::NotAFile { what: "pipe or a device", .. })));
    assert!(matches!(super::read(files.folder.path(), None), Err(SpecError::NotAFile { what: "folder", .. })));
    assert_eq!(files.read().expect("read").findings[0].message, "`pipe.yaml` leads nowhere: it is not a file");
    let gone = super::read(&files.folder.path().join("gone.yaml"), None).expect_err("not there");
    assert_eq!(gone.fault(), Fault::Input);
}

#[test]
fn too_large_a_file_is_refused_before_it_is_read() {
    let files = Files::new(&[("api.yaml", b"")]);
    fs::File::create(&files.main).and_then(|file| file.set_len(MAX_FILE + 1)).expect("a sparse file");
    assert!(matches!(files.read(), Err(SpecError::FileTooLarge { size, .. }) if size == MAX_FILE + 1));
}

#[test]
fn too_many_files_are_refused() {
    let list: String = (0..=MAX_FILES).map(|i| format!("  - $ref: gone{i}.yaml\n")).collect();
    assert!(matches!(refused(document(&format!("x:\n{list}"))), SpecError::TreeTooLarge { .. }));
}

#[test]
fn references_cannot_multiply_operations_without_end() {
    let statuses: String = (0..2_000).map(|i| format!("'{i}': {{}}, ")).collect();
    let paths: String = (0..2_000).map(|i| format!("  /{i}: {{$ref: '#/x-item'}}\n")).collect();
    let text = document(&format!("x-item: {{get: {{responses: {{{statuses}}}}}}}"));
    let error = refused(text.replace(PATHS, &format!("paths:\n{paths}")));
    assert!(matches!(error, SpecError::TooManyOperations { .. }), "{error}");
}

#[test]
fn a_thousand_findings_are_enough() {
    let list = "  - $ref: '#/gone'\n".repeat(3_000);
    assert_eq!(one(document(&format!("x:\n{list}"))).expect("read").findings.len(), 1_000);
}

#[test]
fn a_file_in_gits_folder_is_refused() {
    let text = document("x: {$ref: .git/config}");
    let files = Files::new(&[("api.yaml", text.as_bytes()), (".git/config", b"x")]);
    let error = files.read().expect_err("refused");
    assert!(matches!(error, SpecError::Name(_)) && error.fault() == Fault::Input);
}

const SMALL: &str = "openapi: 3.0.3\ninfo: {title: T, version: 1.0}\npaths:\n  /a: &a\n    get:\n      tags: [x]\n      responses:\n        200: {$ref: '#/components/responses/R'}\n  /b: *a\ncomponents:\n  responses:\n    R: {description: |-\n}\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_change_to_a_spec_panics(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..8)) {
        let mut bytes = SMALL.as_bytes().to_vec();
        for (at, byte, what) in edits {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { let half = bytes[at..].to_vec(); bytes.truncate(at + half.len() / 2 + 1); }
            }
        }
        let _ = one(bytes);
    }
}

#[test]
fn an_operation_with_content_needs_an_example_in_one_answer() {
    let has = |version: &str, responses: &str| {
        let text = format!(
            "{version}\ninfo: {{title: T, version: '1'}}\npaths: {{/a: {{get: {{responses: {responses}}}}}}}\ncomponents:\n  responses: {{R: {{description: d, content: {{a/b: {{example: 1}}}}}}}}\n  schemas: {{S: {{type: string, example: x}}, N: {{type: string}}}}\n"
        );
        one(text).expect("read").summary.operations[0].exemplified
    };
    let new = |responses: &str| has("openapi: 3.0.3", responses);
    assert!(new("{'204': {description: d}}"), "there is nothing to show");
    assert!(!new("{'200': {description: d, content: {a/b: {schema: {type: string}}}}}"));
    assert!(!new("{'200': {description: d, content: {a/b: {examples: {}}}}}"));
    assert!(!new("{'200': {description: d, content: {a/b: {schema: {$ref: '#/components/schemas/N'}}}}}"));
    for good in [
        "{'200': {description: d, content: {a/b: {example: null}}}}",
        "{'200': {description: d, content: {a/b: {examples: {one: {value: 1}}}}}}",
        "{'200': {description: d, content: {a/b: {schema: {$ref: '#/components/schemas/S'}}}}}",
        "{'200': {description: d, content: {a/b: {}}}, '404': {$ref: '#/components/responses/R'}}",
        "{'200': {description: d, content: {a/b: {schema: {type: array, examples: [[1]]}}}}}",
    ] {
        assert!(new(good), "{good}");
    }
    let old = |responses: &str| has("swagger: '2.0'", responses);
    assert!(old("{'200': {description: d}}"));
    assert!(!old("{'200': {description: d, schema: {type: string}}}"));
    assert!(old("{'200': {description: d, schema: {type: string}, examples: {a/b: x}}}"));
}
