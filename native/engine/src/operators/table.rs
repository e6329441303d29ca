use std::cell::RefCell;
use std::rc::Rc;

use super::{Operator, Output};
use crate::Result;
use crate::batch::Batch;
use crate::host::Host;

/// Hands rows to the host to be shown.
pub struct TableStep {
    host: Rc<RefCell<Box<dyn Host>>>,
    title: String,
}

impl TableStep {
    pub fn new(host: Rc<RefCell<Box<dyn Host>>>, title: String) -> Self {
        TableStep { host, title }
    }
}

impl Operator for TableStep {
    fn on_batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        self.host.borrow_mut().show(&self.title, &batch.rows)
    }
}
