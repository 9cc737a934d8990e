//! scratch
use lastbyte::machine::StreamId::{Stderr, Stdout};
use lastbyte_sim::executor::{
    child::{Do, Script},
    search::*,
    stack::*,
};
use lastbyte_sim::zoo::{single_owner::SingleOwner, stock::Stock};
use std::{rc::Rc, time::Instant};

const W: [&[Do]; 4] = [
    &[],
    &[Do::Write(Stdout, b"a"), Do::Write(Stderr, b"A")],
    &[
        Do::Write(Stdout, b"a"),
        Do::Write(Stderr, b"A"),
        Do::Write(Stdout, b"b"),
        Do::Write(Stderr, b"B"),
    ],
    &[
        Do::Write(Stdout, b"a"),
        Do::Write(Stderr, b"A"),
        Do::Write(Stdout, b"b"),
        Do::Write(Stderr, b"B"),
        Do::Write(Stdout, b"c"),
        Do::Write(Stderr, b"C"),
    ],
];
fn go<S: Stack>(name: &str, n: usize, waiters: usize, plain: bool) {
    let mut sc = Scenario::new("plain", Script::new(W[n]));
    sc.calls = vec![Call::Wait; waiters];
    let sc = Rc::new(sc);
    let t = Instant::now();
    match explore::<S>(&sc, 3_000_000) {
        Ok(r) => println!(
            "{name} n={n} w={waiters}: {} states {} trans {} interleavings longest {} hopeless {} {:?} {:.2}s",
            r.states,
            r.transitions,
            r.interleavings,
            r.longest,
            r.hopeless,
            r.broken.iter().map(|(k, v)| (k.to_string(), v.schedule.len())).collect::<Vec<_>>(),
            t.elapsed().as_secs_f64()
        ),
        Err(e) => println!("{name} n={n} w={waiters}: {e} {:.2}s", t.elapsed().as_secs_f64()),
    }
    if plain {
        let t = Instant::now();
        match count_plainly::<S>(&sc, 5_000_000) {
            Ok(p) => println!(
                "  plain {} {:?} ends {} {:.2}s",
                p.schedules,
                p.broken,
                p.ends.len(),
                t.elapsed().as_secs_f64()
            ),
            Err(e) => println!("  plain {e} {:.2}s", t.elapsed().as_secs_f64()),
        }
    }
}
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    go::<Stock>("stock", a[0], a[1], a.len() > 2);
    go::<SingleOwner>("single", a[0], a[1], a.len() > 2);
    go::<lastbyte_sim::executor::production::Lastbyte>("lastbyte", a[0], a[1], a.len() > 2);
    let sc = Rc::new(Scenario::new("plain", Script::new(W[1])));
    let r = explore::<Stock>(&sc, 1000000).unwrap();
    for (rule, c) in &r.broken {
        println!("{rule} {}", c.broken);
        for l in rerun::<Stock>(&sc, &c.schedule).lines {
            println!("  {}: {}", l.task, l.did.join("; "));
        }
    }
}
