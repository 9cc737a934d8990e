//! How the cost of `lastbyte` grows: with the output's size, and with how many run at once.

use crate::{
    MIB,
    measured::{Case, Unit, measure},
    peers::Peer,
};

pub(crate) fn show(peers: &[Peer], quick: bool) {
    let most = if quick { 256 } else { 4096 };
    println!("| output, MiB | GB/s | peak memory, MB | collected, GB/s | peak memory, MB |");
    println!("|---|---|---|---|---|");
    let sizes = std::iter::successors(Some(1), |size| Some(size * 4));
    for size in sizes.take_while(|&size| size <= most) {
        let [streamed, collected] =
            ["stream", "collect"].map(|name| one(peers, name, size * MIB, Unit::Gigabytes));
        let ((streamed, small), (collected, large)) = (streamed, collected);
        println!("| {size} | {streamed:.2} | {small:.1} | {collected:.2} | {large:.1} |");
    }
    println!("\n| at once | seconds beyond the child's own | us each | peak memory, MB |");
    println!("|---|---|---|---|");
    for count in [1, 10, 100, 500, 1000, 2000] {
        if quick && count > 100 {
            break;
        }
        let (seconds, peak) = one(peers, "many", count, Unit::Seconds);
        let more = seconds - 1.0;
        println!("| {count} | {more:.3} | {:.0} | {peak:.1} |", more * 1e6 / count as f64);
    }
}

fn one(peers: &[Peer], name: &'static str, number: u64, unit: Unit) -> (f64, f64) {
    let case = Case { name, title: name, number, checked: 1, rounds: 3, unit };
    let ours = peers.iter().position(|peer| peer.name == "lastbyte").expect("we are here");
    let taken = measure(&case, &peers[ours..=ours]);
    (taken[0].spread(&case)[0], taken[0].peak_kb as f64 / 1e3)
}
