//! How a task ends.

use super::*;

/// Facts about how a task ends.
fn ending(delay: u32, native: &[(&str, u32)], containers: Vec<Container>) -> Facts {
    let mut facts = facts();
    facts.attributes.as_mut().unwrap().deregistration_delay = delay;
    let native = native.iter().map(|(protocol, delay)| NativeGroup {
        protocol: (*protocol).to_owned(),
        deregistration_delay: *delay,
        ..super::native("demo-ipv4", Vec::new())
    });
    facts.native_groups = Ok(native.collect());
    facts.task_definition.as_mut().unwrap().as_mut().unwrap().containers = containers;
    facts
}

pub fn container(essential: bool, ports: &[u16], stop_timeout: Option<u32>) -> Container {
    let name = "app".to_owned();
    let ports = ports.iter();
    let ports = ports.map(|port| Ports { range: *port..=*port, protocol: "tcp".to_owned() });
    let ports = ports.collect();
    Container { name, essential, ports, stop_timeout, has_health_check: false }
}

#[test]
fn a_task_has_to_serve_for_the_delay_and_at_least_two_minutes() {
    use Status::{Pass, Warn};
    let app = |stop_timeout| vec![container(true, &[8080], stop_timeout)];
    for (delay, native, stop, expected) in [
        (300, &[][..], None, Warn),
        (300, &[], Some(120), Warn),
        (120, &[], Some(120), Pass),
        (120, &[], Some(119), Warn),
        (0, &[], Some(119), Warn),
        (0, &[], Some(120), Pass),
        (300, &[("TCP", 300)], None, Pass),
        (300, &[("TCP", 270)], None, Pass),
        (300, &[("TCP", 269)], None, Warn),
        (300, &[("TCP", 60), ("UDP", 300)], None, Pass),
        (300, &[("HTTP", 300)], None, Warn),
    ] {
        let facts = ending(delay, native, app(stop));
        assert_eq!(status("drain", &facts), expected, "{delay} {native:?} {stop:?}");
    }
}

#[test]
fn the_containers_that_map_the_port_count_or_else_the_essential_ones() {
    let stop = |containers| check("drain", &ending(300, &[], containers)).unwrap().detail;
    let sidecar = container(false, &[], Some(2));
    let app = container(true, &[8080], Some(110));
    let agent = container(true, &[], Some(60));
    assert!(stop(vec![sidecar.clone(), app, agent.clone()]).contains("110 s"));
    let proxy = container(true, &[], Some(90));
    assert!(stop(vec![sidecar.clone(), agent, proxy]).contains("60 s"));
    assert!(stop(vec![sidecar]).contains("30 s"));
}
