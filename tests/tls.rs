//! The real binary against an HTTPS endpoint whose certificate comes from an authority of its own.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use common::{PORT, binding, task};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use sim::{Answer, Aws, Function, TargetGroup};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Puts TLS in front of a server on loopback; returns its URL and the authority's certificate.
async fn tls_in_front_of(server: SocketAddr) -> (String, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect(server).await.unwrap();
                _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (url, root)
}

#[tokio::test]
async fn it_trusts_the_authorities_in_aws_ca_bundle_and_no_others() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    aws.put_task(&task(0));
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let (url, root) = tls_in_front_of(server.addr).await;
    let bundle = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("authority.pem");
    std::fs::write(&bundle, root).unwrap();
    let bindings = json!([binding(&group, Some(PORT))]).to_string();
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
    let event = task(0).event(SystemTime::now());

    let environment = [("BINDINGS", bindings.as_str())];
    let stranger = Function::start(binary, &url, &environment).await.unwrap();
    match stranger.invoke(&event).await {
        Answer::Error { error_message, .. } => {
            assert!(error_message.contains("ConnectionFailed"), "{error_message}");
            assert!(error_message.contains("certificate"), "{error_message}");
        }
        trusted => panic!("trusts an authority that nobody named: {trusted:?}"),
    }
    assert_eq!(aws.registered(&group).len(), 0);

    let environment = [environment[0], ("AWS_CA_BUNDLE", bundle.to_str().unwrap())];
    let function = Function::start(binary, &url, &environment).await.unwrap();
    let answer = function.invoke(&event).await;
    assert!(matches!(answer, Answer::Success(_)), "{answer:?}");
    assert_eq!(aws.registered(&group).len(), 1);
}
