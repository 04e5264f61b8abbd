//! Lists and strings of different lengths that are gathered, scattered and broadcast.

use crate::parallel::{Comm, Message, MpiType, Outgoing};

impl Comm {
    /// Returns the string of each rank, in rank order. **Collective.**
    pub fn all_gather_strings(&self, value: &str) -> Vec<String> {
        let gathered = self.gather_at_root(value.as_bytes().to_vec());
        let strings = gathered.into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        self.broadcast_strings(strings.collect())
    }

    /// Gathers the lists of all ranks on rank 0, in rank order. The other ranks receive nothing.
    /// **Collective.**
    pub fn gather_at_root<T: MpiType>(&self, values: Vec<T>) -> Vec<Vec<T>> {
        let incoming = self.sparse_exchange(Outgoing::from(vec![(0, values)]));
        if !self.is_root() {
            return Vec::new();
        }
        let mut lists = vec![Vec::new(); self.size()];
        incoming.into_iter().for_each(|(rank, values)| lists[rank] = values);
        lists
    }

    /// Sends entry `r` of the `lists` of rank 0 to rank `r`. The other ranks pass no lists.
    /// **Collective.**
    pub fn scatter_from_root<T: MpiType>(&self, lists: Vec<Vec<T>>) -> Vec<T> {
        let outgoing: Vec<Message<T>> = lists.into_iter().enumerate().collect();
        self.sparse_exchange(Outgoing::from(outgoing)).pop().map(|message| message.1).unwrap_or_default()
    }

    /// Returns the strings of rank 0 on all ranks. The other ranks pass none. **Collective.**
    pub fn broadcast_strings(&self, values: Vec<String>) -> Vec<String> {
        let lengths: Vec<u64> = values.iter().map(|value| value.len() as u64).collect();
        let lengths = self.broadcast_list(0, lengths);
        let bytes = self.broadcast_list(0, values.concat().into_bytes());
        let mut rest = &bytes[..];
        let mut next = |length: &u64| {
            let (value, others) = rest.split_at(*length as usize);
            rest = others;
            String::from_utf8_lossy(value).into_owned()
        };
        lengths.iter().map(&mut next).collect()
    }

    /// Returns the list of rank `from` on all ranks. The other ranks pass an empty one.
    /// **Collective.**
    pub(crate) fn broadcast_list<T: MpiType + Default>(&self, from: usize, mut list: Vec<T>) -> Vec<T> {
        list.resize(self.broadcast(from, list.len()), T::default());
        self.broadcast_into(from, &mut list);
        list
    }
}
