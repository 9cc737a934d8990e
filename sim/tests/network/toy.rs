//! The search for every order, on messages that mean nothing: it finds as many as there are.

use std::{cell::RefCell, collections::BTreeSet, net::Ipv4Addr, rc::Rc};

use lastbyte::monitor::{Broken, Rule};
use lastbyte_sim::network::orders::{Choice, Merge, Run, every_order};
use num_bigint::BigUint;
use turmoil::{Sim, net::UdpSocket};

/// What was heard, in its order: from which link, which message.
type Heard = Vec<(usize, u8)>;

/// All that was heard in complete orders.
type All = Rc<RefCell<BTreeSet<Heard>>>;

/// Links to one host, with so many held datagrams each.
struct Toy {
    sim: Sim<'static>,
    heard: Rc<RefCell<Heard>>,
    all: All,
    forbidden: Option<Heard>,
}

impl Toy {
    fn start(links: &[u8], all: &All) -> Self {
        let mut sim = turmoil::Builder::new().rng_seed(0).build();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let ears = Rc::clone(&heard);
        sim.host("hub", move || {
            let ears = Rc::clone(&ears);
            async move {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 9)).await?;
                loop {
                    let mut bytes = [0; 2];
                    let _from = socket.recv_from(&mut bytes).await?;
                    ears.borrow_mut().push((usize::from(bytes[0]), bytes[1]));
                }
            }
        });
        for (link, &messages) in links.iter().enumerate() {
            let link = u8::try_from(link).expect("few links");
            sim.client(format!("leaf{link}"), async move {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 9)).await?;
                for number in 0..messages {
                    socket.send_to(&[link, number], ("hub", 9)).await?;
                }
                std::future::pending().await
            });
            sim.hold(format!("leaf{link}"), "hub");
        }
        sim.step().expect("nobody fails");
        Toy { sim, heard, all: Rc::clone(all), forbidden: None }
    }
}

impl Run for Toy {
    fn choices(&mut self) -> Vec<Choice> {
        let mut choices = Vec::new();
        self.sim.links(|links| {
            for link in links {
                let Some(first) = { link }.next() else { continue };
                let (from, _) = first.pair();
                let what = format!("{from} {}", first.protocol());
                choices.push(Choice { host: 0, what });
            }
        });
        if choices.is_empty() {
            self.all.borrow_mut().insert(self.heard.borrow().clone());
        }
        choices
    }

    fn take(&mut self, choice: &Choice) {
        self.sim.links(|links| {
            for link in links {
                for sent in link {
                    let (from, _) = sent.pair();
                    if format!("{from} {}", sent.protocol()) == choice.what {
                        return sent.deliver();
                    }
                }
            }
        });
        self.sim.step().expect("nobody fails");
    }

    fn judge(&mut self) -> Result<(), Broken> {
        match self.forbidden.as_ref() {
            Some(order) if *order == *self.heard.borrow() => {
                Err(Broken { rule: Rule::C1, why: "the order that must not be" })
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn factorial(n: u8) -> BigUint {
    (1..=u32::from(n)).map(BigUint::from).product()
}

/// If this were red, "every order" would be fewer or more than there are.
#[test]
fn as_many_orders_as_the_multinomial_says_and_no_two_alike() {
    for links in [&[1][..], &[3], &[1, 1], &[2, 2], &[3, 2, 1], &[2, 2, 2], &[1, 1, 1, 1]] {
        let whole = factorial(links.iter().sum());
        let expected = links.iter().fold(whole, |orders, &n| orders / factorial(n));
        for merge in [Merge::Nothing, Merge::Alike] {
            let all = Rc::default();
            let found = every_order(|| Toy::start(links, &all), 1, merge).expect("it repeats");
            assert_eq!(found.orders, expected, "{links:?} {merge:?}");
            // All are heard by one host, so none is like another.
            assert_eq!(BigUint::from(all.borrow().len()), expected, "{links:?} {merge:?}");
            assert_eq!(found.longest, links.iter().map(|&n| usize::from(n)).sum::<usize>());
        }
    }
}

/// If this were red, what happens in one order alone would be overlooked, or its schedule be wrong.
#[test]
fn the_one_order_that_breaks_a_rule_is_found_and_told() {
    let order = vec![(1, 0), (0, 0), (1, 1)];
    for merge in [Merge::Nothing, Merge::Alike] {
        let all = Rc::default();
        let make = || Toy { forbidden: Some(order.clone()), ..Toy::start(&[2, 2], &all) };
        let found = every_order(make, 1, merge).expect("it repeats");
        let broken = found.broken.get(&Rule::C1).expect("it was met");
        assert_eq!(broken.choices, [1, 0, 1]);
        assert_eq!(found.orders, BigUint::from(6_u32));
    }
}

/// Two hosts that hear one message each.
struct Apart(Vec<usize>);

impl Run for Apart {
    fn choices(&mut self) -> Vec<Choice> {
        let left = (0..2).filter(|host| !self.0.contains(host));
        left.map(|host| Choice { host, what: format!("to {host}") }).collect()
    }

    fn take(&mut self, choice: &Choice) {
        self.0.push(choice.host);
    }

    fn judge(&mut self) -> Result<(), Broken> {
        Ok(())
    }
}

/// If this were red, what happens at different hosts would be explored in every order for nothing,
/// or not be counted in every order.
#[test]
fn what_happens_at_different_hosts_is_gone_through_once_and_counted_twice() {
    let found = every_order(|| Apart(vec![]), 2, Merge::Alike).expect("it repeats");
    assert_eq!((found.orders, found.places), (BigUint::from(2_u32), 4));
    let plain = every_order(|| Apart(vec![]), 2, Merge::Nothing).expect("it repeats");
    assert_eq!((plain.orders, plain.places), (BigUint::from(2_u32), 5));
}

/// If this were red, a run that depends on something else than its choices would be counted as if
/// it did not.
#[test]
fn a_run_that_does_not_repeat_is_told() {
    let turns = RefCell::new(0);
    struct Moody(usize);
    impl Run for Moody {
        fn choices(&mut self) -> Vec<Choice> {
            let what = |n| Choice { host: 0, what: format!("{n} {}", self.0) };
            vec![what(0), what(1)]
        }
        fn take(&mut self, _: &Choice) {}
        fn judge(&mut self) -> Result<(), Broken> {
            Err(Broken { rule: Rule::C1, why: "to go no deeper" })
        }
    }
    let make = || {
        *turns.borrow_mut() += 1;
        Moody(*turns.borrow())
    };
    let diverged = every_order(make, 1, Merge::Nothing).expect_err("it does not repeat");
    assert_eq!(
        (diverged.after, diverged.to_string().contains("[0 1, 1 1] and then [0 2, 1 2]")),
        (0, true)
    );
}
