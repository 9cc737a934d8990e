//! The graph of all states of a very small world, drawn: how the number of interleavings comes
//! about, and where a wrong design leaves the way.

use std::fmt::Write;

use rustc_hash::FxHashMap;

use crate::{
    design::Design,
    diagram::escaped,
    world::{Bounds, Choice, World},
};

/// Every reachable state and every transition of a design in a world.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) states: Vec<State>,
    pub(super) edges: Vec<Edge>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    /// Steps of the longest way here.
    layer: usize,
    /// How many ways lead here.
    ways: u64,
    /// Whether the terminal is out.
    over: bool,
    /// The rule that is broken here, and how.
    broken: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    from: usize,
    to: usize,
    choice: Choice,
}

/// More cannot be looked at.
const STATES_MAX: usize = 150;

impl Chart {
    /// Visits all of it; `None` where it is too large to be looked at.
    pub(super) fn of<D: Design>(bounds: &Bounds) -> Option<Self> {
        let mut chart = Chart { states: vec![State::new()], edges: Vec::new() };
        let mut worlds = vec![World::<D>::new(bounds)];
        let mut numbers = FxHashMap::default();
        numbers.insert(worlds[0].clone(), 0);
        // The states in which a rule is broken have no world.
        let mut visited = vec![0];
        let mut next = 0;
        while let Some(&from) = visited.get(next) {
            let world = worlds[next].clone();
            next += 1;
            chart.states[from].broken = world.probe(bounds).err().map(|broken| broken.to_string());
            for choice in world.choices(bounds) {
                let mut after = world.clone();
                let to = match after.take(bounds, choice) {
                    Ok(_) => *numbers.entry(after.clone()).or_insert_with(|| {
                        let over = after.is_over();
                        worlds.push(after);
                        visited.push(chart.states.len());
                        chart.states.push(State { over, ..State::new() });
                        chart.states.len() - 1
                    }),
                    Err(wrong) => {
                        let broken = crate::explorer::broken_by(wrong).to_string();
                        chart.states.push(State { broken: Some(broken), ..State::new() });
                        chart.states.len() - 1
                    }
                };
                chart.edges.push(Edge { from, to, choice });
            }
            if chart.states.len() > STATES_MAX {
                return None;
            }
        }
        chart.place();
        Some(chart)
    }

    /// Ways and layers: each state after all that lead to it.
    fn place(&mut self) {
        let mut incoming = vec![0; self.states.len()];
        self.edges.iter().for_each(|edge| incoming[edge.to] += 1);
        let mut ready = vec![0];
        self.states[0].ways = 1;
        while let Some(from) = ready.pop() {
            let (ways, layer) = (self.states[from].ways, self.states[from].layer);
            for &Edge { to, .. } in self.edges.iter().filter(|edge| edge.from == from) {
                let state = &mut self.states[to];
                state.ways = state.ways.saturating_add(ways);
                state.layer = state.layer.max(layer + 1);
                incoming[to] -= 1;
                if incoming[to] == 0 {
                    ready.push(to);
                }
            }
        }
    }

    /// The interleavings: the ways to all ends.
    pub(super) fn interleavings(&self) -> u64 {
        let is_end = |at: &usize| !self.edges.iter().any(|edge| edge.from == *at);
        (0..self.states.len()).filter(is_end).map(|at| self.states[at].ways).sum()
    }

    /// Draws it; a state shows how many ways lead to it.
    pub(super) fn svg(&self) -> String {
        let places = self.arrange();
        let layers = self.states.iter().map(|state| state.layer + 1).max().unwrap_or(1);
        let rows = places.iter().map(|&(_, y)| y).max().unwrap_or(0);
        let (width, height) = (2 * MARGIN + (layers - 1) * APART, rows + MARGIN);
        let width = width.max(KEYS_WIDTH);
        let mut body = String::new();
        for edge in &self.edges {
            draw_edge(&mut body, edge, places[edge.from], places[edge.to], self.breaks(edge));
        }
        for (number, state) in self.states.iter().enumerate() {
            self.draw_state(&mut body, number, state, places[number]);
        }
        format!(
            r#"<svg class="states" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="group" aria-label="states and transitions">{}{body}</svg>"#,
            keys()
        )
    }

    fn breaks(&self, edge: &Edge) -> bool {
        self.states[edge.to].broken.is_some()
    }

    /// Where each state stands: its layer from left to right, and in it near those that lead to it.
    fn arrange(&self) -> Vec<(usize, usize)> {
        let layers = self.states.iter().map(|state| state.layer + 1).max().unwrap_or(1);
        let mut rank = vec![0.0; self.states.len()];
        let mut tallest = 1;
        for layer in 0..layers {
            let mut here: Vec<usize> =
                (0..self.states.len()).filter(|&at| self.states[at].layer == layer).collect();
            let wish: Vec<f64> = (0..self.states.len()).map(|at| self.wish(&rank, at)).collect();
            here.sort_by(|&one, &other| wish[one].total_cmp(&wish[other]));
            let middle = (here.len() as f64 - 1.0) / 2.0;
            for (place, &at) in here.iter().enumerate() {
                rank[at] = place as f64 - middle;
            }
            tallest = tallest.max(here.len());
        }
        let middle = TOP + (tallest - 1) * BETWEEN / 2;
        let place = |(state, rank): (&State, f64)| {
            let y = (middle as f64 + rank * BETWEEN as f64).max(0.0);
            (MARGIN + state.layer * APART, y as usize)
        };
        self.states.iter().zip(rank).map(place).collect()
    }

    /// The mean place of those that lead to a state.
    fn wish(&self, rank: &[f64], at: usize) -> f64 {
        let leading = self.edges.iter().filter(|edge| edge.to == at);
        let (sum, count) =
            leading.fold((0.0, 0.0), |(sum, count), edge| (sum + rank[edge.from], count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    }

    fn draw_state(&self, body: &mut String, number: usize, state: &State, (x, y): (usize, usize)) {
        let next: Vec<String> = self
            .edges
            .iter()
            .filter(|edge| edge.from == number)
            .map(|edge| edge.choice.to_string())
            .collect();
        let ways = state.ways;
        let mut says = format!(
            "After {} steps; {ways} {} here",
            state.layer,
            if ways == 1 { "way leads" } else { "ways lead" }
        );
        let mut class = "state";
        match (&state.broken, next.is_empty()) {
            (Some(broken), _) => {
                class = "state broken";
                says += &format!("; broken: {broken}");
            }
            (None, true) => says += "; nothing more can happen",
            (None, false) => says += &format!("; next: {}", next.join(", or ")),
        }
        if state.over && state.broken.is_none() {
            class = "state over";
        }
        let (says, text) = (escaped(&says), if state.broken.is_some() { "✗" } else { "" });
        let text = if text.is_empty() { ways.to_string() } else { text.to_owned() };
        // Writing to a string does not fail.
        let _never = write!(
            body,
            r#"<g class="{class}" data-state="{number}" tabindex="0" role="img" aria-label="{says}"><title>{says}</title><circle cx="{x}" cy="{y}" r="{RADIUS}"/><text x="{x}" y="{}">{text}</text></g>"#,
            y + 4
        );
    }
}

impl State {
    fn new() -> Self {
        State { layer: 0, ways: 0, over: false, broken: None }
    }
}

const MARGIN: usize = 30;
/// Between two layers.
const APART: usize = 92;
/// Between two states of a layer.
const BETWEEN: usize = 52;
const RADIUS: usize = 15;
/// Where the first state may stand: the key is above.
const TOP: usize = 62;

/// How the transitions look: class, and what they are.
const KEYS: [(&str, &str); 4] = [
    ("pump", "a pump reads"),
    ("reap", "the exit is reaped"),
    ("drain", "the consumer takes an event"),
    ("call", "start, waits, timers"),
];
const KEYS_WIDTH: usize = 860;

fn keys() -> String {
    let mut keys = String::from(r#"<g class="key">"#);
    let mut x = 12;
    for (class, what) in KEYS {
        let (to, text) = (x + 34, x + 42);
        // Writing to a string does not fail.
        let _never = write!(
            keys,
            r#"<path class="{class}" d="M{x} 16H{to}"/><text x="{text}" y="20">{what}</text>"#
        );
        x = text + what.len() * 8 + 14;
    }
    keys + "</g>"
}

fn draw_edge(
    body: &mut String,
    edge: &Edge,
    (x1, y1): (usize, usize),
    (x2, y2): (usize, usize),
    breaks: bool,
) {
    let class = match edge.choice {
        Choice::Read(..) | Choice::ReadEof(_) | Choice::ReadNothing(_) => "pump",
        Choice::Reap => "reap",
        Choice::Drain => "drain",
        Choice::Start | Choice::Wait(_) | Choice::Fire(_) | Choice::Happen(_) => "call",
    };
    let class = if breaks { format!("{class} breaks") } else { class.to_owned() };
    let (start, end) = (x1 + RADIUS, x2 - RADIUS);
    let (from, to, what) = (edge.from, edge.to, escaped(&edge.choice.to_string()));
    let (near, far) = (start + 30, end - 30);
    // Writing to a string does not fail.
    let _never = write!(
        body,
        r#"<path class="{class}" data-from="{from}" data-to="{to}" d="M{start} {y1}C{near} {y1} {far} {y2} {end} {y2}"><title>{what}</title></path>"#
    );
}
