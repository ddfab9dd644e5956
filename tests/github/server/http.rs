//! The little of HTTP/1.1 that the server needs: one request and one answer a connection.

use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without query, as it was sent.
    pub(crate) path: String,
    pub(crate) query: String,
    /// By lower-case name.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((key, value)) = line.split_once(':') else { break };
            headers.insert(key.to_ascii_lowercase(), value.trim().to_owned());
        }
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
        let body = if chunked {
            read_chunks(stream)?
        } else {
            let length = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            body
        };
        Ok(Self { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), headers, body })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The token it carries: as a bearer, or as the password of `x-access-token`.
    pub(crate) fn token(&self) -> Option<String> {
        let header = self.header("authorization");
        if let Some(token) = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("token ")) {
            return Some(token.to_owned());
        }
        let pair = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
        String::from_utf8(pair).ok()?.strip_prefix("x-access-token:").map(ToOwned::to_owned)
    }

    /// The value of one parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into())
    }

    /// The parts of the path, decoded; a slash at the end gives an empty last part.
    pub(crate) fn parts(&self) -> Vec<String> {
        self.path.trim_start_matches('/').split('/').map(decoded).collect()
    }

    /// The body, when it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        stream.by_ref().take(size as u64).read_to_end(&mut body)?;
        stream.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn decoded(part: &str) -> String {
    let pair = format!("x={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer without body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// An error as GitHub words it.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &error_body(status, message))
    }

    /// A 422 about one field of a request.
    pub(crate) fn invalid(resource: &str, field: &str, code: &str, message: &str) -> Self {
        let mut body = error_body(422, "Validation Failed");
        body["errors"] = json!([{"resource": resource, "field": field, "code": code, "message": message}]);
        Self::json(422, &body)
    }

    /// A 422 whose errors are plain texts, as some of GitHub's calls give them.
    pub(crate) fn invalid_text(message: &str) -> Self {
        let mut body = error_body(422, "Validation Failed");
        body["errors"] = json!([message]);
        Self::json(422, &body)
    }

    pub(crate) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} {}\r\nConnection: close\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.status != 204 && self.status != 304 {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(&self.body)?;
        stream.flush()
    }
}

fn error_body(status: u16, message: &str) -> Value {
    json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()})
}

fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        300..=399 => "Elsewhere",
        400..=499 => "Refused",
        _ => "Broken",
    }
}
