//! scratch
use lastbyte_sim::executor::{production::Lastbyte, search::*, stack::*};
use lastbyte_sim::scenarios::scenarios;
use lastbyte_sim::zoo::*;
use std::time::Instant;

fn go<S: Stack>(name: &str, a: &[String]) {
    if a.len() > 2 && !name.contains(&a[2]) {
        return;
    }
    for sc in scenarios(a[0].parse().unwrap(), a[1].parse().unwrap()) {
        if !sc.suits(S::OFFERS) || a.len() > 3 && a[3] != sc.name {
            continue;
        }
        let t = Instant::now();
        match explore::<S>(&sc, 300_000) {
            Ok(r) => {
                println!(
                    "{name:14} {:14} {:7} states {:8} trans {:>22} interleavings longest {} hopeless {} {:?} {:.2}s",
                    sc.name,
                    r.states,
                    r.transitions,
                    r.interleavings,
                    r.longest,
                    r.hopeless,
                    r.broken
                        .iter()
                        .map(|(k, v)| (k.to_string(), v.schedule.len()))
                        .collect::<Vec<_>>(),
                    t.elapsed().as_secs_f64()
                );
                if a.len() > 3 {
                    for (_, c) in &r.broken {
                        println!("{}", c.broken);
                        for l in rerun::<S>(&sc, &c.schedule).lines {
                            println!("  {}: {}", l.task, l.did.join("; "));
                        }
                    }
                }
            }
            Err(e) => println!("{name:14} {:14} {e} {:.2}s", sc.name, t.elapsed().as_secs_f64()),
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    go::<Lastbyte>("lastbyte", &a);
    go::<os_exec::OsExec>("os-exec", &a);
    go::<stock::Stock>("stock", &a);
    go::<receiver_list::ReceiverList>("receiver-list", &a);
    go::<streams_pending::StreamsPending<true>>("streams-pending", &a);
    go::<streams_pending::StreamsPending<false>>("check-then-register", &a);
    go::<single_owner::SingleOwner>("single-owner", &a);
    go::<wait_drains::WaitDrains>("wait-drains", &a);
    go::<exit_polled::ExitPolled>("exit-polled", &a);
    go::<exit_event::ExitEvent>("exit-event", &a);
    go::<delete_before_copy::DeleteBeforeCopy>("delete-before-copy", &a);
    go::<idle_cut::IdleCut>("idle-cut", &a);
    go::<drop_on_overflow::DropOnOverflow>("drop-on-overflow", &a);
    go::<abort_on_free::AbortOnFree>("abort-on-free", &a);
    go::<free_races_exit::FreeRacesExit>("free-races-exit", &a);
    go::<one_drain_loop::OneDrainLoop>("one-drain-loop", &a);
    go::<pause_blocks_kill::PauseBlocksKill>("pause-blocks-kill", &a);
    go::<wait_error_is_exit::WaitErrorIsExit>("wait-error", &a);
    go::<text_per_chunk::TextPerChunk>("text-per-chunk", &a);
    go::<exec_after_box::ExecAfterBox>("exec-after-box", &a);
}
