//! Reading numbers from a MSH file, in text or in binary.

use crate::io::mesh::FormatError;
use crate::parallel::work;

/// Encoding of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Text,
    LittleEndian,
    BigEndian,
}

/// Position in the bytes of a file.
pub struct Cursor<'a> {
    rest: &'a [u8],
    total: usize,
    pub encoding: Encoding,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, total: bytes.len(), encoding: Encoding::Text }
    }

    /// Counts the bytes read so far as work, once in 4096 calls with ascending `thing`.
    pub fn count_work(&self, thing: usize) {
        if thing.is_multiple_of(4096) {
            work::reached((self.total - self.rest.len()) as u64);
        }
    }

    /// Reads an int.
    pub fn int(&mut self, what: &str) -> Result<i64, FormatError> {
        match self.encoding {
            Encoding::Text => self.parse(what),
            Encoding::LittleEndian => self.take(what).map(|b| i64::from(i32::from_le_bytes(b))),
            Encoding::BigEndian => self.take(what).map(|b| i64::from(i32::from_be_bytes(b))),
        }
    }

    /// Reads a size_t.
    pub fn size(&mut self, what: &str) -> Result<u64, FormatError> {
        match self.encoding {
            Encoding::Text => self.parse(what),
            Encoding::LittleEndian => self.take(what).map(u64::from_le_bytes),
            Encoding::BigEndian => self.take(what).map(u64::from_be_bytes),
        }
    }

    /// Reads a double.
    pub fn float(&mut self, what: &str) -> Result<f64, FormatError> {
        match self.encoding {
            Encoding::Text => self.parse(what),
            Encoding::LittleEndian => self.take(what).map(f64::from_le_bytes),
            Encoding::BigEndian => self.take(what).map(f64::from_be_bytes),
        }
    }

    /// Reads a number of things of at least `numbers` numbers each, and checks that the rest of the
    /// file has room for them.
    pub fn count(&mut self, what: &str, numbers: u64) -> Result<u64, FormatError> {
        let count = self.size(what)?;
        self.check_room(what, count, numbers)?;
        Ok(count)
    }

    /// Checks that the rest of the file has room for so many things of at least `numbers` numbers
    /// each.
    pub fn check_room(&self, what: &str, count: u64, numbers: u64) -> Result<(), FormatError> {
        // The shortest number is one digit and a space, or an int.
        let bytes = numbers * if self.encoding == Encoding::Text { 2 } else { 4 };
        let room = (self.rest.len() as u64 + 1) / bytes;
        if count > room { Err(FormatError::TooMany { what: what.to_owned(), count, room }) } else { Ok(()) }
    }

    /// Reads the next word of a text.
    pub fn word(&mut self) -> &'a [u8] {
        self.skip_space();
        let end = self.rest.iter().position(u8::is_ascii_whitespace).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Reads the rest of the line, with its end.
    pub fn line(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|&b| b == b'\n');
        let (line, rest) = end.map_or((self.rest, &[][..]), |end| (&self.rest[..end], &self.rest[end + 1..]));
        self.rest = rest;
        line
    }

    /// Moves to the end of the next occurrence of `mark`.
    pub fn skip_past(&mut self, mark: &str) -> Result<(), FormatError> {
        let found = self.rest.windows(mark.len()).position(|window| window == mark.as_bytes());
        let at = found.ok_or_else(|| FormatError::Missing { what: mark.to_owned() })?;
        self.rest = &self.rest[at + mark.len()..];
        Ok(())
    }

    /// Returns whether only white space is left.
    pub fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    /// Reads `N` bytes of a binary file.
    pub fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], FormatError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| FormatError::Ends { what: what.to_owned() })?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn parse<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, FormatError> {
        let word = self.word();
        if word.is_empty() {
            return Err(FormatError::Ends { what: what.to_owned() });
        }
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse().ok());
        number.ok_or_else(|| FormatError::NotANumber { what: what.to_owned(), found: shown(word) })
    }
}

/// Converts bytes of a file to text for a message.
pub fn shown(bytes: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text: String = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)])
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(LONGEST)
        .collect();
    text.trim().to_owned()
}
