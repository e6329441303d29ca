use super::schemas::Missing;
use crate::bad_record::{Result, bad_record};

/// Schemas that a decoder keeps what it has made of: more are no evolution, but records that are none.
const MAX_KNOWN: usize = 1000;

/// What has been made of the schemas that records have named so far, by how they name them.
pub(crate) struct Known<K, P> {
    made: Vec<(K, Result<P>)>,
    /// Where the last record's is.
    last: usize,
}

impl<K, P> Default for Known<K, P> {
    fn default() -> Self {
        Known { made: Vec::new(), last: 0 }
    }
}

impl<K, P> Known<K, P> {
    /// What is made of the schema that a record names, and how it names it: `is` knows the name again, `make` makes what is not
    /// there. What is bad is kept too; what keeps it from being made is not, and goes to `failure`.
    #[inline]
    pub fn of(
        &mut self,
        is: impl Fn(&K) -> bool,
        make: impl FnOnce() -> Result<(K, std::result::Result<P, Missing>)>,
        failure: &mut Option<String>,
    ) -> Result<(&K, &P)> {
        if self.made.get(self.last).is_none_or(|(key, _)| !is(key)) {
            self.last = self.find(is, make, failure)?;
        }
        match &self.made[self.last] {
            (key, Ok(made)) => Ok((key, made)),
            (_, Err(error)) => Err(error.clone()),
        }
    }

    #[inline(never)]
    fn find(
        &mut self,
        is: impl Fn(&K) -> bool,
        make: impl FnOnce() -> Result<(K, std::result::Result<P, Missing>)>,
        failure: &mut Option<String>,
    ) -> Result<usize> {
        if let Some(index) = self.made.iter().position(|(key, _)| is(key)) {
            return Ok(index);
        }
        let (key, made) = make()?;
        let made = match made {
            Ok(made) => Ok(made),
            Err(Missing::Bad(error)) => Err(error),
            Err(Missing::Failure(message)) => {
                *failure = Some(message.clone());
                return Err(bad_record(message));
            }
        };
        if self.made.len() >= MAX_KNOWN {
            self.made.clear();
        }
        self.made.push((key, made));
        Ok(self.made.len() - 1)
    }
}
