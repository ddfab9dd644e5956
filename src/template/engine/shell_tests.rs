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

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1500))]

    /// Pieces of scripts in any order, with a value anywhere in them.
    #[test]
    fn no_value_runs_in_any_script(
        before in "(\"|'|\\$|\\$\\(|\\(|\\)|`|\\}|\\$\\{X:-|\\$\\{X#|\\\\| |#|\n|<<EOF\n|<<-EOF\n|<<'EOF'\n|\nEOF\n|case x in |x\\)|;;| esac|\\$\\(\\(|\\)\\)|;|:|x|\\[){0,9}",
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
