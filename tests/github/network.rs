//! The way to GitHub: proxies of the environment, and what every request says of itself.

use std::io::{self, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::server::fault::{Fault, Harm, When};
use super::server::http::Request;
use super::story::{Story, undisturbed};

/// A proxy that passes requests without encryption on and refuses tunnels; where it is, and what it was asked for.
fn proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, told) = channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (Ok(connection), tell) = (connection, tell.clone()) else { continue };
            // Nobody wants to know once the test is over, and who goes away is no concern of the proxy's.
            thread::spawn(move || {
                let request = Request::read(&mut BufReader::new(&connection))?;
                let _ = tell.send(format!("{} {}", request.method, request.path));
                pass_on(&request, &connection)
            });
        }
    });
    (url, told)
}

fn pass_on(request: &Request, mut connection: &TcpStream) -> io::Result<()> {
    let Some((host, path)) = request.path.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
        return connection.write_all(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let mut server = TcpStream::connect(host)?;
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    write!(server, "{} /{path}{query} HTTP/1.1\r\n", request.method)?;
    for (name, value) in &request.headers {
        write!(server, "{name}: {value}\r\n")?;
    }
    server.write_all(b"\r\n")?;
    server.write_all(&request.body)?;
    io::copy(&mut server, &mut connection)?;
    connection.shutdown(Shutdown::Write)
}

#[test]
fn a_proxy_of_the_environment_is_used_for_the_api_and_for_git_and_not_where_it_says_no() {
    for through in [true, false] {
        let (url, told) = proxy();
        let mut story = Story::new();
        story.variables.push(("HTTP_PROXY", url));
        if !through {
            story.variables.push(("NO_PROXY", "127.0.0.1".to_owned()));
        }
        story.done(&Story::NEW);
        let asked: Vec<String> = told.try_iter().collect();
        let made = story.requests();
        assert_eq!(asked.len(), if through { made.len() } else { 0 }, "{asked:#?}");
        assert_eq!(asked.iter().any(|line| line.ends_with("/my-api.git/git-receive-pack")), through, "{asked:#?}");
        assert_eq!(story.end(), undisturbed());
        story.nothing_leaked();
    }
}

#[test]
fn what_is_encrypted_goes_through_a_tunnel_of_the_proxy() {
    let doctor = &["doctor", "--owner", "nhs"][..];
    let list = &["list", "--registry", "https://git.example.org/registry.git"][..];
    let new = &["new", "my-api", "--template", "gh:nhs/template", "--yes"][..];
    let phase = &["phase", "old-api", "discovery", "--template", "template"][..];
    for (arguments, (variable, value), host) in [
        (doctor, ("TERM", "dumb"), "api.github.com:443"),
        (doctor, ("GITHUB_SERVER_URL", "https://x.ghe.com"), "api.x.ghe.com:443"),
        (doctor, ("GITHUB_API_URL", "https://api.x.ghe.com"), "api.x.ghe.com:443"),
        (doctor, ("GITHUB_API_URL", "https://git.example.org/api/v3"), "git.example.org:443"),
        (list, ("TERM", "dumb"), "git.example.org:443"),
        (new, ("TERM", "dumb"), "github.com:443"),
        (new, ("GITHUB_API_URL", "https://api.x.ghe.com"), "x.ghe.com:443"),
        (phase, ("GITHUB_SERVER_URL", "https://x.ghe.com"), "api.x.ghe.com:443"),
    ] {
        let (url, told) = proxy();
        let story = Story::new();
        story.program.write("apis.csv", "name,phase,repository_url\nold-api,inception,https://x.ghe.com/nhs/old-api\n");
        story.done(&["registry", "import", "apis.csv"]);
        let mut command = story.program.command(arguments);
        command.envs([("HTTPS_PROXY", url.as_str()), ("GH_TOKEN", "x"), (variable, value)]);
        let mut child = command.spawn().expect("it starts");
        let asked = told.recv_timeout(Duration::from_secs(30));
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert_eq!(asked, Ok(format!("CONNECT {host}")));
    }
}

#[test]
fn git_waits_for_an_answer_as_long_as_the_user_says() {
    let mut story = super::phase::story();
    story.github.add_repository("nhs", "other", "private");
    story.variables.push(("APISCAFFOLD_TIMEOUT", "1".to_owned()));
    let registry = format!("{}/nhs/other.git", story.github.url());
    let silent = || Fault::new(When::Call("GET", "/info/refs".to_owned()), Harm::Silence);
    // The registry and the repository are tried again.
    for (command, code) in [
        (&["list", "--registry", &registry][..], Some(0)),
        (&["new", "your-api", "--template", "gh:nhs/other", "--yes"], Some(1)),
        (&super::phase::DISCOVERY, Some(0)),
    ] {
        story.github.plan(silent());
        let began = Instant::now();
        let ran = story.run(command);
        assert_eq!(ran.code, code, "{command:?}: {ran:?}");
        // Without that it is half a minute.
        assert!(began.elapsed() < Duration::from_secs(25), "{command:?}");
    }
}

#[test]
fn every_request_says_who_asks_and_which_version_of_the_api_is_meant() {
    let story = Story::new();
    story.done(&Story::NEW);
    for entry in story.requests() {
        let (agent, version) = if entry.is_git() { ("git/", "") } else { ("apiscaffold/", "2022-11-28") };
        assert!(entry.agent.starts_with(agent), "{}: {}", entry.line(), entry.agent);
        assert_eq!(entry.version, version, "{}", entry.line());
    }
}
