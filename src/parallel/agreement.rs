//! Agreement of ranks on errors, without which a failure on one rank would leave the others
//! waiting.

use crate::error::{Error, ExitCode, Result};
use crate::parallel::Comm;

impl Comm {
    /// Makes ranks agree on an error. If a result is an error, all ranks return one error: the one
    /// with the lowest element and node ([`Error::at`]), else that of the lowest rank. Each stage
    /// that can fail ends with it before ranks communicate again. **Collective.**
    ///
    /// # Errors
    /// The error of that rank, with its exit code, its message and the elements and nodes in it.
    pub fn agree<T>(&self, result: Result<T>) -> Result<T> {
        let [element, node] = match &result {
            Ok(_) => [u64::MAX; 2],
            Err(e) => e.place().unwrap_or([u64::MAX - 1, 0]),
        };
        let first = self.min(element);
        if first == u64::MAX {
            return result;
        }
        let lowest = self.min(if element == first { node } else { u64::MAX });
        let reporter = self.min(if [element, node] == [first, lowest] { self.rank() } else { self.size() });
        let (code, text, (elements, nodes)) = match result {
            Err(e) if reporter == self.rank() => {
                let (elements, nodes) = e.mentioned();
                (e.exit_code() as i32, e.to_string().into_bytes(), (elements.to_vec(), nodes.to_vec()))
            }
            _ => (0, Vec::new(), (Vec::new(), Vec::new())),
        };
        let code = ExitCode::from_i32(self.broadcast(reporter, code));
        let message = String::from_utf8_lossy(&self.broadcast_list(reporter, text)).into_owned();
        let (elements, nodes) = (self.broadcast_list(reporter, elements), self.broadcast_list(reporter, nodes));
        Err(Error::new(code, message).mentioning(&elements, &nodes))
    }
}
