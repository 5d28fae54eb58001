//! Who believed when that it led.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// One process' leadership, as it believed.
#[derive(Clone)]
pub(super) struct Reign {
    pub(super) who: String,
    pub(super) from: Instant,
    pub(super) until: Instant,
    begun: Instant,
}

/// All of them. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(super) struct Ledger {
    reigns: Arc<Mutex<Vec<Reign>>>,
    begun: Instant,
}

/// A reign that goes on. It is over when this is dropped, whatever had been hoped.
pub(super) struct Open {
    ledger: Ledger,
    number: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { reigns: Arc::default(), begun: Instant::now() }
    }
}

impl Ledger {
    /// Somebody has been told that it leads.
    pub(super) fn open(&self, who: String) -> Open {
        let mut reigns = self.reigns.lock().unwrap();
        let now = Instant::now();
        reigns.push(Reign { who, from: now, until: now, begun: self.begun });
        Open { ledger: self.clone(), number: reigns.len() - 1 }
    }

    pub(super) fn reigns(&self) -> Vec<Reign> {
        self.reigns.lock().unwrap().clone()
    }
}

impl Open {
    /// It believes that it leads until then.
    pub(super) fn until(&self, ends: Instant) {
        let reign = &mut self.ledger.reigns.lock().unwrap()[self.number];
        reign.until = reign.until.max(ends);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let reign = &mut self.ledger.reigns.lock().unwrap()[self.number];
        reign.until = reign.until.min(Instant::now());
    }
}

impl fmt::Debug for Reign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = |at: Instant| (at - self.begun).as_secs_f64();
        write!(f, "{} from {:.3} s to {:.3} s", self.who, second(self.from), second(self.until))
    }
}
