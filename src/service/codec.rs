//! The codec of this service's own messages: the library's, with smaller buffers. The library sets 8 KiB aside for each
//! call from its beginning to its end, and a stream of tokens is open for minutes while its messages are a few hundred
//! bytes. A larger message makes its buffer grow; nothing is refused for its size here.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

/// What a call sets aside, and by how much a buffer grows.
const BUFFER_BYTES: usize = 1024;
/// Up to so many bytes of messages that are ready go out together: the library's own default.
const TOGETHER_BYTES: usize = 32 * 1024;

/// Protobuf in small buffers; the generated code names it.
#[derive(Clone, Debug)]
pub(crate) struct SmallBuffers<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SmallBuffers<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

fn settings() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, TOGETHER_BYTES)
}

impl<T, U> Codec for SmallBuffers<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(settings())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(settings())
    }
}
