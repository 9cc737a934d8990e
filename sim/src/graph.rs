//! The graph of states by number, and what is read off it: paths, depth, liveness.

use num_bigint::BigUint;

use crate::explorer::Incomplete;

/// Leads to no state: nothing follows a broken rule.
pub(crate) const BREAKS: u32 = u32::MAX;

/// The state graph by number; state 0 is the start.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// For each state, where its successors begin in `successors`.
    first: Vec<u32>,
    successors: Vec<u32>,
    /// For each state, whether its history is over: the terminal is out.
    over: Vec<bool>,
    /// Whether each successor so far has a higher number than its state.
    ascends: bool,
}

/// The states, each before its successors.
pub(crate) enum Order {
    ByNumber,
    Listed(Vec<u32>),
}

/// A number of states or of transitions.
pub(crate) fn index(len: usize) -> u32 {
    // A cap far above the memory of any machine that could hold as many states.
    u32::try_from(len).unwrap_or(BREAKS)
}

impl Graph {
    pub(crate) fn new() -> Self {
        Graph { first: vec![0], successors: Vec::new(), over: Vec::new(), ascends: true }
    }

    pub(crate) fn states(&self) -> usize {
        self.over.len()
    }

    pub(crate) fn transitions(&self) -> usize {
        self.successors.len()
    }

    /// One more transition of the state that comes next.
    pub(crate) fn lead_to(&mut self, successor: u32) {
        self.ascends &= successor as usize > self.states();
        self.successors.push(successor);
    }

    /// The next state, all of whose transitions are known.
    pub(crate) fn close(&mut self, over: bool) {
        self.over.push(over);
        self.first.push(index(self.successors.len()));
    }

    fn successors_of(&self, state: u32) -> &[u32] {
        let state = state as usize;
        &self.successors[self.first[state] as usize..self.first[state + 1] as usize]
    }

    /// An order in which each state comes before its successors.
    pub(crate) fn order(&self) -> Result<Order, Incomplete> {
        if self.ascends {
            return Ok(Order::ByNumber);
        }
        let states = self.states();
        let mut incoming = vec![0u32; states];
        for &successor in self.successors.iter().filter(|&&successor| successor != BREAKS) {
            incoming[successor as usize] += 1;
        }
        let mut order = Vec::with_capacity(states);
        order.push(0);
        let mut next = 0;
        while let Some(&state) = order.get(next) {
            next += 1;
            for &successor in self.successors_of(state) {
                if successor == BREAKS {
                    continue;
                }
                let left = &mut incoming[successor as usize];
                *left -= 1;
                if *left == 0 {
                    order.push(successor);
                }
            }
        }
        if order.len() == states { Ok(Order::Listed(order)) } else { Err(Incomplete::Cycle) }
    }

    /// The states, each after its successors.
    fn backwards<'a>(&self, order: &'a Order) -> impl Iterator<Item = u32> + use<'a> {
        let states = self.states();
        (0..states).rev().map(move |place| match order {
            Order::ByNumber => place as u32,
            Order::Listed(states) => states[place],
        })
    }

    /// Paths from the start to an end. In numbers as small as will do: most worlds need 64 bits.
    pub(crate) fn paths(&self, order: &Order) -> BigUint {
        let small = || self.add_paths(order, 1u64, |sum, more| sum.checked_add(*more));
        let medium = || self.add_paths(order, 1u128, |sum, more| sum.checked_add(*more));
        let large = || self.add_paths(order, BigUint::from(1u8), |sum, more| Some(sum + more));
        small()
            .map(BigUint::from)
            .or_else(|| medium().map(BigUint::from))
            .or_else(large)
            .unwrap_or_default()
    }

    /// Paths from each state to an end add up, taken from the ends backwards. `None`: the numbers
    /// are too small.
    fn add_paths<N: Clone + Default>(
        &self,
        order: &Order,
        one: N,
        add: impl Fn(N, &N) -> Option<N>,
    ) -> Option<N> {
        let mut paths = vec![N::default(); self.states()];
        for state in self.backwards(order) {
            let successors = self.successors_of(state);
            let mut sum = if successors.is_empty() { one.clone() } else { N::default() };
            for &successor in successors {
                sum = match successor {
                    BREAKS => add(sum, &one)?,
                    known => add(sum, &paths[known as usize])?,
                };
            }
            paths[state as usize] = sum;
        }
        paths.into_iter().next()
    }

    /// Steps of the longest path from the start.
    pub(crate) fn longest(&self, order: &Order) -> u32 {
        let mut longest = vec![0u32; self.states()];
        for state in self.backwards(order) {
            let steps = |&next: &u32| if next == BREAKS { 1 } else { longest[next as usize] + 1 };
            let most = self.successors_of(state).iter().map(steps).max();
            longest[state as usize] = most.unwrap_or(0);
        }
        longest.first().copied().unwrap_or(0)
    }

    /// The states, by number, from which every history ends without the terminal. Where there is
    /// none, and no cycle, the terminal is not only possible but inevitable.
    pub(crate) fn hopeless(&self, order: &Order) -> Vec<u32> {
        let mut hopes = self.over.clone();
        for state in self.backwards(order) {
            let hope = |&next: &u32| next == BREAKS || hopes[next as usize];
            let any = self.successors_of(state).iter().any(hope);
            hopes[state as usize] |= any;
        }
        (0..index(hopes.len())).filter(|&state| !hopes[state as usize]).collect()
    }
}
