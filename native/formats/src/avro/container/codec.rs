//! How blocks are compressed.

use std::io::{self, Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use millrace_plan::Codec;

/// A block that is larger, compressed or not, is none that a writer makes.
pub const MAX_BLOCK_BYTES: usize = 1 << 30;

/// Snappy makes 64 bytes of three at best.
const SNAPPY_AT_BEST: usize = 22;

/// As files call it.
pub fn name(codec: Codec) -> &'static str {
    match codec {
        Codec::None | Codec::Gzip | Codec::Lz4 => "null",
        Codec::Deflate => "deflate",
        Codec::Snappy => "snappy",
        Codec::Zstd => "zstandard",
    }
}

pub fn of_name(name: &[u8]) -> Option<Codec> {
    [Codec::None, Codec::Deflate, Codec::Snappy, Codec::Zstd]
        .into_iter()
        .find(|codec| self::name(*codec).as_bytes() == name)
}

pub fn compress(codec: Codec, block: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None | Codec::Gzip | Codec::Lz4 => Ok(block.to_vec()),
        Codec::Deflate => {
            let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(block)?;
            encoder.finish()
        }
        Codec::Snappy => {
            let mut compressed = snap::raw::Encoder::new().compress_vec(block).map_err(io::Error::other)?;
            compressed.extend(crc32fast::hash(block).to_be_bytes());
            Ok(compressed)
        }
        Codec::Zstd => zstd::bulk::compress(block, zstd::DEFAULT_COMPRESSION_LEVEL),
    }
}

/// The reason is in words.
pub fn decompress(codec: Codec, block: Vec<u8>) -> Result<Vec<u8>, String> {
    match codec {
        Codec::None | Codec::Gzip | Codec::Lz4 => Ok(block),
        Codec::Deflate => bounded(DeflateDecoder::new(block.as_slice())),
        Codec::Snappy => {
            let Some((compressed, checksum)) = block.split_last_chunk::<4>() else {
                return Err("a block has no checksum".into());
            };
            let bytes = snap::raw::decompress_len(compressed).map_err(|error| error.to_string())?;
            if bytes > compressed.len() * SNAPPY_AT_BEST + 64 {
                return Err(format!("a block of {} bytes claims to be {bytes}", compressed.len()));
            }
            let content = snap::raw::Decoder::new().decompress_vec(compressed).map_err(|error| error.to_string())?;
            match crc32fast::hash(&content).to_be_bytes() == *checksum {
                true => Ok(content),
                false => Err("the checksum of a block is another".into()),
            }
        }
        Codec::Zstd => bounded(zstd::Decoder::new(block.as_slice()).map_err(|error| error.to_string())?),
    }
}

fn bounded(decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    decoder.take(MAX_BLOCK_BYTES as u64 + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() > MAX_BLOCK_BYTES {
        return Err(format!("a block has more than {} MB", MAX_BLOCK_BYTES >> 20));
    }
    Ok(content)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_back_what_it_was_given() {
        let block = b"one and one and one and another".repeat(100);
        for codec in [Codec::None, Codec::Deflate, Codec::Snappy, Codec::Zstd] {
            let compressed = compress(codec, &block).unwrap();
            assert!(codec == Codec::None || compressed.len() < block.len() / 4, "{codec:?}");
            assert_eq!(decompress(codec, compressed).unwrap(), block);
            assert_eq!(of_name(name(codec).as_bytes()), Some(codec));
        }
    }

    #[test]
    fn a_short_block_cannot_claim_much_memory() {
        let claims_a_gigabyte = [0x80, 0x80, 0x80, 0x80, 0x04, 0, 0, 0, 0, 0];
        let error = decompress(Codec::Snappy, claims_a_gigabyte.to_vec()).unwrap_err();
        assert_eq!(error, "a block of 6 bytes claims to be 1073741824");
    }
}
