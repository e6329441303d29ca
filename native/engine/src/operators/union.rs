use super::{Operator, Output};
use crate::Result;
use crate::batch::Batch;

/// Makes one stream of several: its node has an input for each, and combines their watermarks.
pub struct Union;

impl Operator for Union {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        out.emit(batch);
        Ok(())
    }
}
