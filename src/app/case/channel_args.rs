//! Options of the dimensions and of the size of a channel.

use clap::Args;

use crate::system::arguments::positive;

/// Options of a channel.
#[derive(Debug, Clone, Args)]
pub struct ChannelArgs {
    /// Dimension of a built-in channel, in m or degrees, as in --set throat=0.4; may be repeated;
    /// `quad8-mpi meshes` lists the names
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, f64)>,

    /// Number of nodes of a built-in channel: the mesh and, unless --refine is given, the number of
    /// refinements that come nearest
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true)]
    nodes: Option<f64>,

    /// Size of the elements of a built-in channel before refinement, in m
    #[arg(long, value_name = "SIZE", conflicts_with = "nodes", value_parser = positive, allow_negative_numbers = true)]
    element_size: Option<f64>,
}

impl ChannelArgs {
    /// Returns the first option that is given.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            ("--set", !self.set.is_empty()),
            ("--nodes", self.nodes.is_some()),
            ("--element-size", self.element_size.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }

    /// Returns all values by their keys in a case file.
    pub fn values(&self) -> Vec<(&str, f64)> {
        let sizes = [("nodes", self.nodes), ("element_size", self.element_size)];
        let sizes = sizes.into_iter().filter_map(|(key, size)| Some((key, size?)));
        self.set.iter().map(|(name, value)| (name.as_str(), *value)).chain(sizes).collect()
    }
}

fn assignment(text: &str) -> Result<(String, f64), &'static str> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE, as in throat=0.4")?;
    Ok((name.trim().to_owned(), positive(value.trim())?))
}
