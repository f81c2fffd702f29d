//! The messages of ONNX's protocol (onnx.proto, IR version 8), as far as a network of ours uses them.

use crate::message::messages;

messages! {
    /// A file.
    ModelProto {
        ir_version: i64 = 1,
        producer_name: String = 2,
        producer_version: String = 3,
        doc_string: String = 6,
        graph: Option<GraphProto> = 7,
        opset_import: Vec<OperatorSetIdProto> = 8,
        metadata_props: Vec<StringStringEntryProto> = 14,
    }

    /// A set of operators; the standard one has no name.
    OperatorSetIdProto {
        domain: String = 1,
        version: i64 = 2,
    }

    /// An entry of the metadata.
    StringStringEntryProto {
        key: String = 1,
        value: String = 2,
    }

    /// Nodes in an order in which they can be worked out.
    GraphProto {
        node: Vec<NodeProto> = 1,
        name: String = 2,
        initializer: Vec<TensorProto> = 5,
        input: Vec<ValueInfoProto> = 11,
        output: Vec<ValueInfoProto> = 12,
    }

    /// An operation on named values.
    NodeProto {
        input: Vec<String> = 1,
        output: Vec<String> = 2,
        name: String = 3,
        op_type: String = 4,
        attribute: Vec<AttributeProto> = 5,
    }

    /// An attribute of an operation.
    AttributeProto {
        name: String = 1,
        f: Option<f32> = 2,
        i: Option<i64> = 3,
        ints: Vec<i64> = 8,
        r#type: i32 = 20,
    }

    /// A tensor with its values, row-major and little-endian.
    TensorProto {
        dims: Vec<i64> = 1,
        data_type: i32 = 2,
        name: String = 8,
        raw_data: Vec<u8> = 9,
    }

    /// An input or output.
    ValueInfoProto {
        name: String = 1,
        r#type: Option<TypeProto> = 2,
        doc_string: String = 3,
    }

    /// The type of a value; ours are tensors.
    TypeProto {
        tensor_type: Option<TensorType> = 1,
    }

    /// `TypeProto.Tensor`.
    TensorType {
        elem_type: i32 = 1,
        shape: Option<TensorShapeProto> = 2,
    }

    /// Sizes, each a number or a name.
    TensorShapeProto {
        dim: Vec<Dimension> = 1,
    }

    /// `TensorShapeProto.Dimension`: a number or a name.
    Dimension {
        size: Option<i64> = 1,
        name: Option<String> = 2,
    }
}

/// `TensorProto.DataType.FLOAT`.
pub(crate) const FLOAT: i32 = 1;
/// `TensorProto.DataType.UINT8`.
pub(crate) const UINT8: i32 = 2;
/// `TensorProto.DataType.INT64`.
pub(crate) const INT64: i32 = 7;
/// `AttributeProto.AttributeType`: a float, an integer, integers.
pub(crate) const OF_FLOAT: i32 = 1;
/// An integer.
pub(crate) const OF_INT: i32 = 2;
/// Integers.
pub(crate) const OF_INTS: i32 = 7;
