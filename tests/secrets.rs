//! A file that was named by mistake may hold secrets: nothing of it is repeated, whatever the file and the command.

use std::fs;

use crate::program::{Program, Ran};

/// A secret, whole and in parts that a reader might take for a word of its notation.
const CANARIES: [&str; 3] = ["Kq7Zw9Canary", "Tr4Vx2Canary", "PwCanary88"];

/// Files that people have lying about, with secrets in values, keys, comments and places where a reader stumbles.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let [a, b, c] = CANARIES;
    let texts = [
        ("passwords.txt", format!("{a}:{b}:\n{c}:x:\n")),
        ("lines.txt", format!("{a}\n{b}\n{c}\n")),
        (".env", format!("DATABASE_PASSWORD={a}\nexport {b}=\"{c}\"\n")),
        ("quoted.env", format!("{a}=\"{b}\"\nTOKEN=\"{c}\"\n")),
        ("netrc", format!("machine example.org login {a} password {b}\n")),
        ("page.html", format!("<!DOCTYPE html>\n<html><body class=\"{a}\">{b}: {c}</body></html>\n")),
        ("data.xml", format!("<?xml version=\"1.0\"?>\n<a b=\"{a}\">{b}</a>\n")),
        ("key.pem", format!("-----BEGIN PRIVATE KEY-----\n{a}{b}==\n-----END {c}-----\n")),
        ("rsa.pem", format!("-----BEGIN RSA PRIVATE KEY-----\n{a}%{b}\n-----END RSA PRIVATE KEY-----\n")),
        ("keys.json", format!("{{\"{a}\": \"{b}\", \"{c}\": 1}}")),
        ("twice.json", format!("{{\"{a}\": 1, \"{a}\": 2}}")),
        ("torn.json", format!("{{\"{a}\": \"{b}\", {c}")),
        ("named.json", format!("{{\"name\": \"{a} {b}\", \"version\": \"{c}\", \"{c}\": []}}")),
        ("refs.json", format!("{{\"$ref\": \"../{a}/x.json\", \"b\": {{\"$ref\": \"/{b}\"}}}}")),
        ("version.yaml", format!("openapi: {a}\n{b}: {c}\n")),
        ("short.yaml", format!("swagger: 9.{a}\n{b}: {c}\n")),
        ("keys.yaml", format!("{a}: {b}\n{c}: [1\n")),
        ("anchors.yaml", format!("a: *{a}\nb: !{b}!c d\n")),
        ("twice.yaml", format!("{a}: 1\n{a}: 2\n")),
        ("tabs.yaml", format!("a:\n\t{a}: {b}\n")),
        ("kube.yaml", format!("apiVersion: v1\nkind: Secret\ndata:\n  {a}: {b}\n---\nkind: {c}\n")),
        ("secrets.toml", format!("{a} = \"{b}\"\n[{c}]\nx = 1\n")),
        ("torn.toml", format!("password = \"{a}\n{b} = {c}\n")),
        ("twice.toml", format!("{a} = 1\n{a} = 2\n")),
        ("bare.toml", format!("password = {a}\n")),
        ("typed.toml", format!("name = \"{a} {b}\"\ntitle = {{ {c} = 1 }}\n")),
        ("phase.toml", format!("phase = \"{a}\"\nstate = \"{b}\"\nguid = \"{c}\"\n")),
        ("export.csv", format!("user,{a}\nroot,{b}\n{c}\n")),
        ("report.pdf", format!("%PDF-1.7\n{a} {b}\n")),
    ];
    let mut files: Vec<_> = texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    files.push(("binary.dat", [b"\0\x01".as_slice(), a.as_bytes(), b"\xff\xfe"].concat()));
    files.push(("latin.txt", [a.as_bytes(), b": caf\xe9 ", b.as_bytes()].concat()));
    files.push((
        "utf16.txt",
        [b"\xff\xfe".as_slice(), &a.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat(),
    ));
    files
}

fn silent(ran: &Ran, what: &str) {
    for canary in CANARIES {
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!told.contains(canary) && !told.contains(&canary.to_lowercase()), "{what}: {ran:?}");
    }
    assert!(!ran.stderr.contains("panicked"), "{what}: {ran:?}");
}

#[test]
fn no_text_of_a_wrong_file_is_repeated_by_any_command() {
    let program = Program::new();
    for (name, bytes) in files() {
        // Under its own name, and under each that makes a reader of another notation look at it.
        let stem = name.replace('.', "-");
        for named in ["", ".json", ".yaml", ".toml", ".csv"].map(|extension| format!("{stem}{extension}")) {
            program.write(&named, &bytes);
            let runs: [&[&str]; 4] = [
                &["new", "my-api", "--dry-run", "--spec", &named],
                &["new", "my-api", "--dry-run", "--answers", &named],
                &["registry", "import", &named, "--dry-run"],
                &["template", "preview", "my-api", "--into", "out", "--spec", &named],
            ];
            for (number, run) in runs.into_iter().enumerate() {
                let loud = if number % 2 == 0 { ["-v", "--yes"] } else { ["--json", "--yes"] };
                let ran = program.run(&[run, &loud].concat());
                assert_ne!(ran.code, Some(0), "{run:?} takes it: {ran:?}");
                silent(&ran, &format!("{run:?}"));
            }
        }
        program.write("repository/.apiscaffold.toml", &bytes);
        silent(&program.run(&["check", "repository", "--settings", "-v"]), &format!("receipt {name}"));
        let config = program.home().join(".config/apiscaffold/config.toml");
        fs::create_dir_all(config.parent().expect("a parent")).expect("made");
        fs::write(&config, &bytes).expect("written");
        for arguments in [&["list", "--json"][..], &["new", "my-api", "--yes", "-v"]] {
            let ran = program.run(arguments);
            assert_eq!(ran.code, Some(2), "{name} as the config: {ran:?}");
            silent(&ran, &format!("config {name}"));
        }
        fs::remove_file(config).expect("removed");
        let key = program.write("the-key", &bytes);
        for value in [key.to_string_lossy().into_owned(), String::from_utf8_lossy(&bytes).replace('\0', "")] {
            let mut command = program.command(&["doctor", "my-api", "--owner", "org", "-v"]);
            command.env("APISCAFFOLD_APP_ID", "1").env("APISCAFFOLD_APP_KEY", value).env("SSL_CERT_FILE", &key);
            command.env("GITHUB_API_URL", "http://127.0.0.1:9").env("GITHUB_SERVER_URL", "http://127.0.0.1:9");
            silent(&Ran::of(&command.output().expect("it starts")), &format!("app key {name}"));
        }
    }
    assert!(!program.folder().join("my-api").exists());
}

#[test]
fn a_wrong_spec_is_told_by_what_it_looks_like_and_what_is_wanted() {
    let program = Program::new();
    let files = [
        ("a.pdf", "%PDF-1.7\n: [", "it looks like a PDF document"),
        ("a.html", "<html>: [", "it looks like an HTML page"),
        ("a.xml", "<a>: [", "it looks like an XML document"),
        ("a.pem", "-----BEGIN RSA PRIVATE KEY-----\n: [", "it looks like a key or a certificate"),
        ("a.bin", "\0\0", "it looks like a binary file"),
        ("a.txt", "hello", "there is no `openapi` or `swagger` at its top, but plain text"),
        ("a.json", "[]", "there is no `openapi` or `swagger` at its top, but a list"),
        ("a.yaml", "asyncapi: 3.0.0", "but an AsyncAPI document"),
        ("b.yaml", "a: 1\nb: 2", "but an object with other keys"),
        ("c.yaml", "a: 1\nb: [\n", "c.yaml:"),
    ];
    for (name, text, told) in files {
        program.write(name, text);
        let ran = program.run(&["new", "my-api", "--spec", name]);
        assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
        assert!(ran.stderr.contains(told), "{name}: {told}: {ran:?}");
        let way = match name {
            "a.html" => "hint: download the document itself",
            "a.yaml" => "hint: a proxy needs an OpenAPI document",
            "c.yaml" => {
                "hint: name an OpenAPI document: YAML or JSON with `openapi: 3…` or `swagger: \"2.0\"` at its top"
            }
            _ => {
                "hint: name the OpenAPI document itself: YAML or JSON with `openapi: 3…` or `swagger: \"2.0\"` at its top"
            }
        };
        assert!(ran.stderr.contains(way), "{name}: {ran:?}");
    }
}
