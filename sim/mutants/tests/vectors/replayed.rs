//! The vectors as they are.

use lastbyte::{machine::Machine, monitor::Monitor};

use crate::{vector::all, words::told};

/// If this were red, the machine would do something else than its vectors, which ports are held to,
/// say; or the monitor would see a broken rule in what is right.
#[test]
fn c01_the_machine_does_what_every_vector_says_and_the_monitor_agrees() {
    let vectors = all();
    assert!(vectors.len() > 20_000, "only {} vectors", vectors.len());
    for vector in vectors {
        let id = &vector.id;
        let mut machine = match Machine::new(vector.streams, vector.policy) {
            Ok(machine) => machine,
            Err(invalid) => {
                assert_eq!(Err(told::invalid(invalid).to_owned()), vector.steps, "{id}");
                continue;
            }
        };
        let mut monitor = Monitor::new(vector.streams, vector.policy);
        let expected = vector.steps.expect("a policy that cannot be carried out");
        for (input, expected) in vector.inputs.iter().zip(expected) {
            let stepped = machine.step(input.clone());
            assert_eq!(told::step(&stepped, &machine), expected, "{id}: {input:?}");
            if let Ok(step) = stepped {
                assert_eq!(monitor.observe(input, &step), Ok(()), "{id}");
            }
        }
        assert_eq!(told::room(&machine), vector.room, "{id}");
    }
}
