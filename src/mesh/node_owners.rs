//! Choice of the rank that owns each node, among those that have its elements.

use crate::parallel::BlockRequests;

/// Owner of a node without requests.
pub const NO_OWNER: u32 = u32::MAX;

/// Selects the owner of each node of the block: of the ranks that request it, the one at position
/// (sum of their numbers) mod (their count). It is always the same one of a pair, so that one part
/// owns the whole interface of two parts, and each part owns half of its interfaces on average.
pub fn pick_owners(requests: &BlockRequests) -> Vec<u32> {
    let mut ranks = vec![(0_u32, 0_u64); requests.block_len()];
    for (rank, positions) in requests.incoming() {
        for i in positions {
            ranks[i].0 += 1;
            ranks[i].1 += rank as u64;
        }
    }
    // The requests that come before that of the owner.
    let mut before: Vec<u32> = ranks.iter().map(|&(count, sum)| (sum % u64::from(count.max(1))) as u32).collect();
    drop(ranks);
    let mut owners = vec![NO_OWNER; before.len()];
    for (rank, positions) in requests.incoming() {
        for i in positions {
            if before[i] == 0 && owners[i] == NO_OWNER {
                owners[i] = rank as u32;
            }
            before[i] = before[i].saturating_sub(1);
        }
    }
    owners
}
