//! A folder around the document, and schemas that are named by themselves.

use std::path::Path;

use super::{Files, FindingKind, SpecError, document, kinds, one, operations, read_in, refused};
use crate::error::{Blame as _, Fault, render};
use crate::model::tree::Tree;
use crate::openapi::{Spec, read, read_among};

/// Documents beside each other that share files, as the OpenAPI Initiative's examples do.
fn shared() -> Files {
    Files::new(&[
        ("apis/pets/openapi.yaml", b"openapi: 3.1.0\ninfo: {$ref: ../../common/info.yaml}\npaths:\n  /pets: {$ref: 'paths/pets.yaml'}\n"),
        ("apis/pets/paths/pets.yaml", b"get:\n  parameters: [{$ref: '../../../common/parameters.yaml#/limit'}]\n  responses: {'200': {$ref: '../openapi.yaml#/components/responses/none'}, default: {$ref: ../../../common/error.json}}\n"),
        ("common/info.yaml", b"title: Pets\nversion: '1'"),
        ("common/parameters.yaml", b"limit: {name: limit, in: query}"),
        ("common/error.json", b"{\"description\": \"Fault\"}"),
        ("secret.yaml", b"a: 1"),
    ])
}

fn below(files: &Files, root: &str) -> Result<Spec, SpecError> {
    read(&files.main, Some(&files.folder.path().join(root)))
}

#[test]
fn references_may_climb_as_far_as_the_root() {
    let files = shared();
    let spec = below(&files, "").expect("read");
    assert_eq!((spec.main.as_str(), spec.summary.title.as_str()), ("apis/pets/openapi.yaml", "Pets"));
    assert_eq!(operations(&spec), ["GET /pets"]);
    let paths: Vec<_> = spec.tree.iter().map(|(path, _)| path.as_str()).collect();
    let want = [
        "apis/pets/openapi.yaml",
        "apis/pets/paths/pets.yaml",
        "common/error.json",
        "common/info.yaml",
        "common/parameters.yaml",
    ];
    assert_eq!(paths, want);
    assert_eq!(kinds(&spec), [("apis/pets/paths/pets.yaml#/get/responses/200".to_owned(), FindingKind::Dangling)]);
    let moved = spec.tree.iter().map(|(path, file)| {
        (crate::model::tree::TreePath::new(format!("specification/{path}")).expect("a path"), file.clone())
    });
    let moved = Tree::of(moved.collect()).expect("paths");
    let bytes = |path: &str| Ok(moved.get(path).map(|file| file.bytes.clone()));
    let again = read_among(&bytes, "specification/apis/pets/openapi.yaml", "specification").expect("read");
    assert_eq!((again.tree, again.findings), (spec.tree, spec.findings));
    assert!(matches!(read_in(&moved, "specification/apis/pets/openapi.yaml"), Err(SpecError::Outside { .. })));
}

#[test]
fn without_a_root_the_refusal_names_the_option() {
    let error = shared().read().expect_err("it leaves the folder");
    let said = render(&error);
    assert!(said.contains("openapi.yaml:2:1` refers at `/info` to") && said.contains("--spec-root"), "{said}");
    let near = below(&shared(), "apis").expect_err("it leaves the root");
    assert!(render(&near).contains("openapi.yaml:2:1`"), "{near}");
}

#[test]
fn a_root_must_be_a_folder_around_the_document() {
    let files = shared();
    for (root, said) in
        [("common", "is not in the folder"), ("gone", "is not a folder"), ("secret.yaml", "is not a folder")]
    {
        let error = below(&files, root).expect_err(root);
        assert!(error.to_string().contains(said) && error.fault() == Fault::Input, "{error}");
        assert!(error.hint().expect("a hint").contains("--spec-root"));
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_root_and_refused_outside() {
    use std::os::unix::fs::symlink;
    let elsewhere = Files::new(&[("secret.yaml", b"a: 1")]);
    let text = document("x: {$ref: linked.yaml}\ny: {$ref: folder/a.yaml}\n");
    let files = Files::new(&[("api/api.yaml", text.as_bytes()), ("shared/a.yaml", b"b: 2")]);
    let api = files.folder.path().join("api");
    symlink("../shared/a.yaml", api.join("linked.yaml")).expect("a link");
    symlink("../shared", api.join("folder")).expect("a link");
    let tree = below(&files, "").expect("read").tree;
    for path in ["api/linked.yaml", "api/folder/a.yaml"] {
        assert_eq!(tree.get(path).map(|file| file.bytes.as_ref()), Some(&b"b: 2"[..]), "{path}");
    }
    assert!(matches!(files.read(), Err(SpecError::Outside { .. })), "not without the root");
    for target in [elsewhere.main.as_path(), Path::new("/etc/hostname")] {
        std::fs::remove_file(api.join("linked.yaml")).expect("removed");
        symlink(target, api.join("linked.yaml")).expect("a link");
        let error = below(&files, "").expect_err("outside");
        assert!(error.to_string().contains("api.yaml:4:1` refers at `/x` to `linked.yaml`: a symlink"), "{error}");
    }
    // The root itself may be named by a link.
    symlink(files.folder.path(), elsewhere.folder.path().join("link")).expect("a link");
    std::fs::remove_file(api.join("linked.yaml")).expect("removed");
    symlink("../shared/a.yaml", api.join("linked.yaml")).expect("a link");
    let link = elsewhere.folder.path().join("link");
    assert!(read(&link.join("api/api.yaml"), Some(&link)).is_ok());
}

#[test]
fn a_schema_is_referred_to_by_the_names_it_gives_itself() {
    let schemas = |rest: &str| {
        format!(
            "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\npaths: {{/a: {{get: {{}}}}}}\ncomponents:\n  schemas:\n{rest}"
        )
    };
    let good = schemas(
        "    Category: {$id: /api/schemas/category, type: object}\n    Details: {$id: /api/schemas/details, properties: {id: {$anchor: pet_id}}}\n    \
         Far: {$id: 'https://example.org/far/', $defs: {near: {$id: near}, n: {$ref: near}}}\n    \
         Pet:\n      properties:\n        a: {$ref: '/api/schemas/details#pet_id'}\n        b: {$ref: /api/schemas/category}\n        \
         c: {$ref: '#main'}\n        d: {$ref: 'https://example.org/far/near'}\n        e: {$ref: '/api/schemas/details#/properties/id'}\n        \
         f: {$ref: '../api/schemas/category'}\n      $defs: {m: {$anchor: main}}\n",
    );
    assert_eq!(one(&good).expect("taken").findings, []);
    let unknown = refused(schemas("    Pet: {properties: {a: {$ref: /api/schemas/gone}}}\n"));
    assert!(matches!(unknown, SpecError::Outside { .. }), "{unknown}");
    let spec = one(schemas("    A: {$id: /a}\n    B: {$ref: '/a#gone'}\n"));
    assert!(matches!(spec, Err(SpecError::Outside { .. })));
    let spec =
        one(schemas("    A: {$id: 'https://example.org/a'}\n    B: {$ref: 'https://example.org/b'}\n")).expect("read");
    assert_eq!(kinds(&spec), [("api.yaml#/components/schemas/B".to_owned(), FindingKind::Remote)]);
}

#[test]
fn a_schema_in_another_file_is_found_by_its_name_whatever_the_order() {
    for order in ["a: {$ref: /by/name}, b: {$ref: other.yaml}", "b: {$ref: other.yaml}, a: {$ref: /by/name}"] {
        let text = document(&format!("components: {{schemas: {{{order}}}}}"));
        let files = Files::new(&[("api.yaml", text.as_bytes()), ("other.yaml", b"{$id: /by/name, type: string}")]);
        assert_eq!(files.read().expect("taken").findings, [], "{order}");
    }
}

#[test]
fn a_reference_in_data_is_data_unless_it_names_a_file_that_is_there() {
    let of = |example: &str| {
        let text = document(&format!("x: {{examples: {{e: {{value: {example}}}}}}}\n"));
        Files::new(&[("api.yaml", text.as_bytes()), ("one.json", b"{\"a\": {\"$ref\": \"../no\"}}"), ("one", b"x")])
    };
    for (example, files, found) in [
        ("{$ref: one.json}", 2, 0),
        ("{a: {$ref: one.json}}", 2, 0),
        ("[{$ref: one}]", 2, 0),
        ("{$ref: gone.json}", 1, 1),
        ("{a: {$ref: gone.json}}", 1, 0),
        ("{next: {$ref: 'http://127.0.0.1:9/api?cursor=abc'}, self: {$ref: '#/nowhere'}}", 1, 0),
        ("{$ref: ../Users/26118915, display: Group}", 1, 0),
        ("{members: [{$ref: ../Users/1}, {$ref: /etc/passwd}, {$ref: 'file:///etc/passwd'}, {$ref: ''}]}", 1, 0),
        ("{links: {externalValue: one.json}}", 1, 0),
    ] {
        let spec = of(example).read().expect(example);
        assert_eq!((spec.tree.len(), spec.findings.len()), (files, found), "{example}: {:?}", spec.findings);
    }
    assert!(matches!(of("{$ref: ../one.json}").read(), Err(SpecError::Outside { .. })), "a whole example in a file");
    let extension =
        document("x-own:\n  a: {$ref: gone.yaml}\n  b: {$ref: ../Users/1}\n  c: {$ref: gone.yaml, display: C}\n");
    assert_eq!(kinds(&one(extension).expect("read")), [("api.yaml#/x-own/a".to_owned(), FindingKind::Dangling)]);
}
