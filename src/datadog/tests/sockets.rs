//! The production transport against a server that writes exact bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::super::transport::{self, MAX_BODY};
use super::super::{Client, Error, Outcome, TransportError};
use super::{AGENT, API_KEY, chain, client, connection_id, pair, source, types};

const EMPTY_LIST: &[u8] = br#"{"data":[],"meta":{"page":{"total_filtered_count":0}}}"#;

/// `EMPTY_LIST`, packed.
const PACKED_LIST: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xabVJI,IT\xb2\x8a\x8e\xd5Q\xcaM\x05\xb1\xaa\x95\n\x12\xd3SAtI~IbN|ZfNIjQjJ|r~i^\x89\x92\x95Amm-\x00V\xc8`\xee6\x00\x00\x00";

/// Zeros, packed: after the head each zero byte stands for 1,032 of them. The check sum of the tail is wrong, but comes too late to matter.
fn packed_zeros(count: usize) -> Vec<u8> {
    let head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xf5\x4f\x6d\x08\x5f\xa0";
    let tail = b"\x3e\x03\x1c\xea\x38\xa7\x00\x00\x10\x00";
    [&head[..], &vec![0; count / 1032], tail].concat()
}

/// The client as in production, but for the proxy: loopback needs none.
fn client_of(base: &str) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    client(transport::with(reqwest::Client::builder().no_proxy()).unwrap(), base)
}

/// A server that answers one request with these bytes and closes. The receiver gets the request.
async fn serve(answer: Vec<u8>) -> (Client, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&format!("http://{}", listener.local_addr().unwrap()));
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        tell.send(request(&mut stream).await).ok();
        // A client that has read enough hangs up.
        stream.write_all(&answer).await.ok();
        stream.shutdown().await.ok();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
    });
    (client, told)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap().to_lowercase()
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).as_bytes(), body].concat()
}

#[tokio::test]
async fn a_packed_answer_is_asked_for_and_unpacked() {
    let (client, request) = serve(answer("content-encoding: gzip\r\n", PACKED_LIST)).await;
    assert_eq!(client.list(source()).await.unwrap().complete, Ok(()));
    let request = request.await.unwrap();
    assert!(request.starts_with("get /api/v2/org_connections?limit=1000&offset=0 http/1.1\r\n"), "{request}");
    for header in [
        format!("dd-api-key: {API_KEY}"),
        format!("user-agent: {AGENT}"),
        "accept-encoding: gzip".into(),
        "accept: application/json".into(),
    ] {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "{header} in {request}");
    }
    assert!(!request.contains("referer"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_unpacked_or_is_cut_short_leaves_the_outcome_unknown() {
    let mut spoilt = PACKED_LIST.to_vec();
    spoilt[20] ^= 0xff;
    let cut = [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", EMPTY_LIST].concat();
    let in_the_headers = b"HTTP/1.1 200 OK\r\ncontent-le".to_vec();
    let no_http = b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec();
    for bytes in [answer("content-encoding: gzip\r\n", &spoilt), cut, in_the_headers, no_http, Vec::new()] {
        let (client, _request) = serve(bytes).await;
        let error = client.delete(connection_id()).await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { source: TransportError::Broken(_), .. }), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert!(!chain(&error).contains("127.0.0.1"), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_body_larger_than_the_cap_is_not_read_to_its_end() {
    let large = vec![b' '; MAX_BODY + 1];
    let packed = packed_zeros(MAX_BODY + MAX_BODY / 16);
    assert!(packed.len() < 20_000);
    for bytes in [answer("", &large), answer("content-encoding: gzip\r\n", &packed)] {
        let (client, _request) = serve(bytes).await;
        let error = client.identity().await.unwrap_err();
        assert!(matches!(error, Error::NoAnswer { source: TransportError::TooLarge, .. }), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_redirect_is_refused_and_the_other_host_hears_nothing() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("HTTP/1.1 {status}\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", other.local_addr().unwrap());
        let (client, _request) = serve(location.into_bytes()).await;
        assert!(matches!(client.list(source()).await, Err(Error::RedirectRefused { .. })));
    }
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_refused_connection_and_a_failed_handshake_are_requests_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client_of(&format!("http://{address}")).create(pair(), &types(&["logs"])).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let no_tls = client_of(&format!("https://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.ok();
        heard
    });
    let error = no_tls.create(pair(), &types(&["logs"])).await.unwrap_err();
    assert_eq!((error.label(), error.outcome()), ("unreachable", Outcome::NotDone));
    assert!(!String::from_utf8_lossy(&server.await.unwrap()).contains(API_KEY));
}

/// The clock stands still from the moment the server has begun its answer, and is then moved to the deadline.
#[tokio::test]
async fn a_body_that_drips_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_of(&format!("http://{}", listener.local_addr().unwrap()));
    let call = tokio::spawn(async move { client.identity().await });
    let mut stream = listener.accept().await.unwrap().0;
    request(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{").await.unwrap();

    tokio::time::pause();
    for _ in 0..10 {
        stream.write_all(b" ").await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NoAnswer { source: TransportError::TimedOut(_), .. }), "{}", chain(&error));
}
