use super::{Operator, Output};
use crate::batch::Batch;
use crate::Result;

/// Makes one stream of several: its node has an input for each, and combines their watermarks.
pub struct Union;

impl Operator for Union {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        out.emit(batch);
        Ok(())
    }
}
