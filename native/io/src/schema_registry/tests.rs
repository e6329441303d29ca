use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;

/// A registry that gives these answers, one a request, and tells what it was asked for.
fn registry(answers: Vec<(u16, &'static str)>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            for line in BufReader::new(&stream).lines() {
                match line.unwrap() {
                    line if line.is_empty() => break,
                    line => request.push_str(&format!("{line}\n")),
                }
            }
            asked.send(request).unwrap();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    (url, requests)
}

fn client(url: &str, properties: &[(&str, &str)]) -> RegistryClient {
    let properties = properties.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let registry = SchemaRegistry { url: url.into(), subject: Some("bids-value".into()), properties };
    RegistryClient::new(&registry).unwrap()
}

#[test]
fn a_schema_is_asked_for_once_with_what_it_refers_to() {
    let (url, requests) = registry(vec![
        (200, r#"{"schema": "main", "references": [{"name": "a.B", "subject": "a/B", "version": 3}]}"#),
        (200, r#"{"schema": "inner", "id": 7}"#),
    ]);
    let client = client(&format!("{url}/"), &[("username", "me"), ("password", "secret")]);
    let expected =
        SchemaText { kind: SchemaKind::Avro, text: "main".into(), references: vec![("a.B".into(), "inner".into())] };
    assert_eq!(client.schema(12), Ok(expected.clone()));
    assert_eq!(client.schema(12), Ok(expected));
    let first = requests.recv().unwrap();
    assert!(first.starts_with("GET /schemas/ids/12 HTTP/1.1\n"), "{first}");
    assert!(first.contains("authorization: Basic bWU6c2VjcmV0"), "{first}");
    assert!(requests.recv().unwrap().starts_with("GET /subjects/a%2FB/versions/3 "));
    assert_eq!(client.place(), format!("subject \"bids-value\" of {url}"));
}

#[test]
fn what_the_registry_does_not_have_is_remembered_and_what_may_pass_is_tried_again() {
    let (url, requests) = registry(vec![
        (404, r#"{"error_code": 40403, "message": "Schema 1 not found"}"#),
        (503, ""),
        (200, r#"{"schema": "main"}"#),
    ]);
    let client = client(&url, &[("token", "t0ken")]);
    assert_eq!(client.schema(1), Err(NoSchema::Unknown("Schema 1 not found".into())));
    assert_eq!(client.schema(1), Err(NoSchema::Unknown("Schema 1 not found".into())));
    assert_eq!(client.schema(2).unwrap().text, "main");
    assert!(requests.recv().unwrap().contains("authorization: Bearer t0ken"));
}

#[test]
fn a_registry_that_does_not_answer_or_refuses_says_what_to_check() {
    let message = |answers: Vec<(u16, &'static str)>| {
        let (url, _requests) = registry(answers);
        let NoSchema::Unavailable(reason) = client(&url, &[]).schema(1).unwrap_err() else { unreachable!() };
        reason
    };
    assert_eq!(message(vec![(401, "{}"); 3]), "401 Unauthorized: check the username and password, or the token");
    assert_eq!(message(vec![(404, "<html>"); 3]), "404 Not Found: check the URL of the registry");
    assert_eq!(message(vec![(200, "<html>"); 3]), "its answer is no JSON: check the URL of the registry");
    assert!(message(vec![]).contains("onnect"), "{}", message(vec![]));
}

#[test]
fn a_schema_says_what_it_is_written_in() {
    let (url, _requests) = registry(vec![
        (200, r#"{"schema": "syntax", "schemaType": "PROTOBUF"}"#),
        (200, r#"{"schema": "syntax", "schemaType": "XML"}"#),
    ]);
    let client = client(&url, &[]);
    assert_eq!(client.schema(1).unwrap().kind, SchemaKind::Protobuf);
    let unknown = NoSchema::Unknown("it is one of XML, which is not known here".into());
    assert_eq!(client.schema(2), Err(unknown));
}
