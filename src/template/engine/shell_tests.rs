//! What stands in a shell file never runs, and is given back where it is a text.

use serde_json::{Value, json};

use super::*;

/// A place of an output, and what the script then writes: `{v}` is the value; `None` where the value is not written.
const PLACES: [(&str, Option<&str>); 66] = [
    ("printf %s {{ v }}", Some("{v}")),
    ("printf %s pre{{ v }}post", Some("pre{v}post")),
    ("printf %s \"{{ v }}\"", Some("{v}")),
    ("printf %s \"a{{ v }}b'{{ v }}'\"", Some("a{v}b'{v}'")),
    ("printf %s '{{ v }}'", Some("{v}")),
    ("printf %s 'C:\\{{ v }}'", Some("C:\\{v}")),
    ("x={{ v }}; printf %s \"$x\"", Some("{v}")),
    ("x=1; printf %s \"$x{{ v }}\"", Some("1{v}")),
    ("x=1; printf %s $x{{ v }}", Some("1{v}")),
    ("printf %s \"${X:-\"{{ v }}\"}\"", Some("{v}")),
    ("printf %s \"${X:-{{ v }}}\"", Some("{v}")),
    ("printf %s ${X:-'{{ v }}'}", Some("{v}")),
    ("printf %s ${X:-\"{{ v }}\"}", Some("{v}")),
    ("printf %s \"${X:-${Y:-\"{{ v }}\"}}\"", Some("{v}")),
    ("printf %s \"${X:-$(printf %s \"{{ v }}\")}\"", None),
    ("printf %s \"${X:-it's}{{ v }}\"", None),
    ("x=abc; printf %s \"${x#\"{{ v }}\"}\"", None),
    ("x=abc; printf %s \"${x%%{{ v }}}\"", None),
    ("x=abc; printf %s \"${x/a/{{ v }}}\"", None),
    ("x=abc; printf %s \"${x:{{ v }}}\"", None),
    ("printf %s \"${X{{ v }}}\"", None),
    ("printf %s \"${X:-\"a}\"}{{ v }}\"", Some("a}{v}")),
    ("printf %s \"C:\\{{ v }}\"", None),
    ("printf %s C:\\{{ v }}", None),
    ("printf %s \"C:\\\\{{ v }}\"", Some("C:\\{v}")),
    ("printf %s \"${% if true %}{{ v }}{% endif %}\"", None),
    ("printf %s ${% if true %}{{ v }}{% endif %}", None),
    ("printf %s {% if true %}\"{% endif %}{{ v }}{% if true %}\"{% endif %}", Some("{v}")),
    ("{% if false %}printf %s \"{% else %}printf %s {% endif %}{{ v }}", Some("{v}")),
    ("{% for i in (1..2) %}printf '%s' {{ v }}\n{% endfor %}", Some("{v}{v}")),
    ("{% capture c %}{{ v }}{% endcapture %}printf %s {{ c }}", Some("{v}")),
    ("printf %s {% cycle v, v %}", Some("{v}")),
    ("f() { printf %s {{ v }}; }; f", Some("{v}")),
    ("cat <<EOF\n{{ v }}\nEOF\n", Some("{v}\n")),
    ("cat <<EOF\nC:\\{{ v }}\nEOF\n", None),
    ("cat <<-EOF\n\t{{ v }}\n\tEOF\n", Some("{v}\n")),
    ("cat <<'EOF'\n\\{{ v }}\nEOF\n", Some("\\{v}\n")),
    ("cat <<\"E O\"\n{{ v }}\nE O\n", Some("{v}\n")),
    ("cat <<EOF\n{{ v }}\n\tEOF\n{{ v }}\nEOF\n", Some("{v}\n\tEOF\n{v}\n")),
    ("cat <<A; cat <<B\n{{ v }}\nA\n{{ v }}\nB\n", Some("{v}\n{v}\n")),
    ("cat <<EOF\nEO{{ v }}\nEOF\n", Some("EO{v}\n")),
    ("cat <<EOF\n{{ v }}F\n{{ v }}\nEOF\n", Some("{v}F\n{v}\n")),
    ("cat <<EOF\nx\\\nEOF\n{{ v }}\nEOF\n", Some("xEOF\n{v}\n")),
    ("cat <<EOF\nEO\\\n{{ v }}\nEOF\n", None),
    ("cat <<EOF\n$(printf %s {{ v }})\nEOF\n", None),
    ("cat <<EOF\n`printf %s {{ v }}`\nEOF\n", None),
    ("cat <<EOF\n${X:-{{ v }}}\nEOF\n", Some("{v}\n")),
    ("cat - 2>/dev/null <<EOF {{ v }}\nx\nEOF\n", None),
    ("x=$(cat <<EOF\n{{ v }}\nEOF\n); printf %s \"$x.\"", None),
    ("echo $(({{ v }}))", None),
    ("echo \"$(( (1 + (2)) * {{ v }} ))\"; printf %s \"{{ v }}\" >/dev/null", None),
    ("a[{{ v }}]=1", None),
    ("[[ 1 -eq {{ v }} ]]", None),
    ("(( x = {{ v }} ))", None),
    ("case x in {{ v }}) printf a;; *) printf b;; esac", None),
    ("case {{ v }} in *) printf %s {{ v }};; esac", Some("{v}")),
    ("printf %s \"$(case x in x) printf %s {{ v }}; printf .;; esac)\"", Some("{v}.")),
    ("printf %s \"$(case x in (y) ;; x) printf %s. \"{{ v }}\";; esac)\"", Some("{v}.")),
    ("(case x in x) printf %s {{ v }};; esac)", Some("{v}")),
    ("printf %s `printf %s {{ v }}`", None),
    ("printf %s \"`printf %s \"{{ v }}\"`\"", None),
    ("printf %s $'{{ v }}'", None),
    ("# {{ v }}\nprintf n", Some("n")),
    ("printf n # it's {{ v }}\nprintf %s {{ v }}", Some("n{v}")),
    ("(printf n # {{ v }}\n)", Some("n")),
    ("printf '%s' \"$(printf n # {{ v }}\n)\"", Some("n")),
];

const VALUES: [&str; 38] = [
    "my-api",
    "",
    "2",
    "-5",
    "~",
    "*",
    "#x",
    "$HOME",
    "esac",
    "in",
    "a b",
    "x=y",
    "a,b",
    "\\",
    "x\\",
    "'",
    "\"",
    "a\nb",
    "\tx",
    "a+b",
    "$(touch RAN)",
    "`touch RAN`",
    "\"; touch RAN; \"",
    "'; touch RAN; '",
    "; touch RAN;",
    "\ntouch RAN\n",
    "}; touch RAN; {",
    "); touch RAN; (",
    ")); touch RAN; ((",
    "EOF",
    "EOF\ntouch RAN\n",
    "F\ntouch RAN\nEO",
    "A\ntouch RAN\nB",
    "(touch RAN)",
    "a[$(touch RAN)]",
    "\"}\"; touch RAN; \"",
    "|touch RAN",
    "\\\";touch RAN;\\\"",
];

/// Commands that evaluate what they are given, quoted or not.
const EVALUATED: [&str; 55] = [
    "let \"x={{ v }}\"",
    "let 'x={{ v }}'",
    "let x=\"{{ v }}\"",
    "! let x='{{ v }}'",
    "if let \"x={{ v }}\"; then :; fi",
    "until let \"x=1\" \"{{ v }}\"; do break; done",
    "x=1 let \"x={{ v }}\"",
    "true && let \"x={{ v }}\"",
    "command let \"x={{ v }}\"",
    "builtin let \"x={{ v }}\"",
    ">f let 'x={{ v }}'",
    "2>f let 'x={{ v }}' 2>&1",
    "l\\et \"x={{ v }}\"",
    "'let' \"x={{ v }}\"",
    "f() { let \"x={{ v }}\"; }; f",
    "function f { let \"x={{ v }}\"; }; f",
    "case x in x) let \"x={{ v }}\";; esac",
    "printf %s \"$(let \"x={{ v }}\")\"",
    "[[ 1 -eq '{{ v }}' ]]",
    "[[ '{{ v }}' -eq 1 ]]",
    "[[ x == x && 1 -lt \"{{ v }}\" ]]",
    "[[ x == x &&\n 1 -lt \"{{ v }}\" ]]",
    "[[ -v '{{ v }}' ]]",
    "[[ 1 -eq \"a[{{ v }}]\" ]]",
    "declare -i n={{ v }}",
    "declare -i n; n='{{ v }}'",
    "typeset -i n='{{ v }}'",
    "f() { local -i n=\"{{ v }}\"; }; f",
    "f() { local -i n; n=\"{{ v }}\"; }; f",
    "declare -a n=\"{{ v }}\"",
    "declare -a n=\"({{ v }})\"",
    "[ -v {{ v }} ]",
    "test -v \"{{ v }}\"",
    "printf -v {{ v }} hi",
    "printf -v \"x[{{ v }}]\" hi",
    "read {{ v }} <<< 1",
    "read -r \"x[{{ v }}]\" <<< 1",
    "unset \"x[{{ v }}]\"",
    "declare {{ v }}=1",
    "declare -n r={{ v }}; printf '%s' \"$r\"",
    "export \"{{ v }}\"",
    "x['{{ v }}']=1",
    "m=([{{ v }}]=1)",
    "m=([\"{{ v }}\"]=1)",
    "declare \"x[{{ v }}]=1\"",
    "eval {{ v }}",
    "eval \"x={{ v }}\"",
    "eval \"$(printf %s '{{ v }}')\"",
    "trap ': {{ v }}' EXIT",
    "source <(printf '%s' \": {{ v }}\")",
    "source /dev/stdin <<< ': {{ v }}'",
    "sh -c \": {{ v }}\"",
    "x=1 /bin/bash -ec ': {{ v }}'",
    "env dash -c ': {{ v }}'",
    "if ! bash -o errexit -c ': {{ v }}'; then :; fi",
];

/// Scripts like them that write every value.
const TEXTS: [&str; 17] = [
    "f() { local x=\"{{ v }}\"; printf %s \"$x\"; }; f",
    "export X='{{ v }}'; printf %s \"$X\"",
    "declare x=\"{{ v }}\"; printf %s \"$x\"",
    "declare -a x=(\"{{ v }}\"); printf %s \"${x[0]}\"",
    "declare -A x=([a]=\"{{ v }}\"); printf %s \"${x[a]}\"",
    "printf '%s' \"{{ v }}\"",
    "printf -v x '%s' \"{{ v }}\"; printf %s \"$x\"",
    "[ \"{{ v }}\" = x ]; printf %s \"{{ v }}\"",
    "test -n \"{{ v }}\"; printf %s \"{{ v }}\"",
    "[[ -n \"{{ v }}\" && x == '{{ v }}' ]]; printf %s \"{{ v }}\"",
    "read -r -d '' x <<< \"{{ v }}\"; printf %s '{{ v }}'",
    "read -rp \"{{ v }}\" x; printf %s '{{ v }}'",
    "let x=1; printf %s '{{ v }}'",
    "eval 'x=1' && printf %s '{{ v }}'",
    "trap : EXIT; printf %s \"{{ v }}\"",
    "bash -c : | :; printf %s \"{{ v }}\"",
    "printf '%s' \"$(printf '%s.' \"{{ v }}\")\" >/dev/null; printf %s {{ v }}",
];

fn rendered(template: &str, value: &str) -> Option<String> {
    let Value::Object(map) = json!({"v": value}) else { unreachable!("an object") };
    match Engine::new().render("f.sh", template, Some(Format::Shell), &Values::new(&map)) {
        Ok(script) => Some(script),
        Err(error) => {
            assert!(error.message.contains("cannot"), "{template}: {error}");
            None
        }
    }
}

#[test]
fn no_value_runs_in_a_shell_file_and_a_text_is_given_back() {
    let folder = tempfile::tempdir().expect("a folder");
    for (template, written) in PLACES {
        let scripts = VALUES.map(|value| (value, rendered(template, value)));
        let plain = scripts.iter().any(|(_, script)| script.is_some());
        let refused_place = template.contains("\\{{ v }}")
            || template.contains("$'")
            || template.contains("${% if")
            || template.contains("EO\\");
        let special = ["/a/{{", "x:{{", "X{{", "it's}"];
        assert!(
            plain || refused_place || special.iter().any(|part| template.contains(part)),
            "always refused: {template}"
        );
        for (value, script) in scripts {
            let Some(script) = script else { continue };
            for shell in ["bash", "dash"] {
                let run = std::process::Command::new(shell)
                    .args(["-c", &script])
                    .current_dir(&folder)
                    .env_clear()
                    .env("PATH", "/usr/bin:/bin")
                    .stdin(std::process::Stdio::null())
                    .output()
                    .expect("a shell");
                assert!(!folder.path().join("RAN").exists(), "{shell} ran {value:?} in:\n{script}");
                if let Some(written) = written {
                    let expected = written.replace("{v}", value);
                    assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{shell}, {value:?} in:\n{script}");
                }
            }
        }
    }
}

#[test]
fn what_a_command_evaluates_takes_harmless_values_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |shell: &str, script: &str| {
        std::process::Command::new(shell)
            .args(["-c", script])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(std::process::Stdio::null())
            .output()
            .expect("a shell")
    };
    for template in EVALUATED {
        assert!(rendered(template, "v1.x").is_some(), "always refused: {template}");
        for value in VALUES.into_iter().chain(["($(touch RAN))", "x=1", "PATH++", "--x"]) {
            let Some(script) = rendered(template, value) else { continue };
            assert!(!value.contains(['$', '`', ';', '=', '+']), "{value:?} is taken in: {template}");
            for shell in ["bash", "dash"] {
                run(shell, &script);
                assert!(!folder.path().join("RAN").exists(), "{shell} ran {value:?} in:\n{script}");
            }
        }
    }
    for template in TEXTS {
        for value in VALUES {
            let script = rendered(template, value).unwrap_or_else(|| panic!("{value:?} is refused in: {template}"));
            let out = run("bash", &script);
            assert!(!folder.path().join("RAN").exists(), "bash ran {value:?} in:\n{script}");
            assert_eq!(String::from_utf8_lossy(&out.stdout), value, "in:\n{script}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1500))]

    /// Pieces of scripts in any order, with a value anywhere in them.
    #[test]
    fn no_value_runs_in_any_script(
        before in "(\"|'|\\$|\\$\\(|\\(|\\)|`|\\}|\\$\\{X:-|\\$\\{X#|\\\\| |#|\n|<<EOF\n|<<-EOF\n|<<'EOF'\n|\nEOF\n|case x in |x\\)|;;| esac|\\$\\(\\(|\\)\\)|;|:|x|\\[|\nlet |\neval |\n\\[\\[ 1 -eq |\ndeclare -i x=|\ndeclare |;x=\\(|&& printf -v ){0,9}",
        after in "(\"|'|\\)|`|\\}|\n|\nEOF\n|;;|esac|\\)\\)|;|x|\\]){0,6}",
        value in proptest::sample::select(&VALUES[20..]),
    ) {
        let template = format!(": {before}{{% if true %}}{{{{ v }}}}{{% endif %}}{after}");
        let Some(script) = rendered(&template, value) else { return Ok(()) };
        let folder = tempfile::tempdir().expect("a folder");
        for shell in ["bash", "dash"] {
            let run = std::process::Command::new(shell)
                .args(["-c", &script])
                .current_dir(&folder)
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .stdin(std::process::Stdio::null())
                .output();
            run.expect("a shell");
            proptest::prop_assert!(!folder.path().join("RAN").exists(), "{} ran {:?} in:\n{}", shell, value, script);
        }
    }
}
