//! What is written is read, and what is no network is refused in words.

use super::*;

#[test]
fn a_networks_text_parses_to_an_equal_network() {
    let texts = [
        "3072, 10",
        "5, 4 gelu, 3",
        "8, batch_norm, 8 rms_norm silu dropout(0.25), skip(8 relu, skip(8), 8), activation(gelu), 2",
        "8, skip(8 gelu, 8 stochastic_depth(0.1)), skip(skip(8 stochastic_depth(0.5)), rms_norm, stochastic_depth(0)), 2",
        "8, module(own::Layer to 6), activation(relu), 2",
    ];
    for text in texts {
        assert_eq!(text.parse::<NetworkSpec>().unwrap().to_string(), text);
    }
    let loose: NetworkSpec = " 5 ,4   gelu,\n skip( 4 ) , 3 ".parse().unwrap();
    assert_eq!(loose.to_string(), "5, 4 gelu, skip(4), 3");
}

#[test]
fn invalid_network_texts_are_refused_with_a_reason() {
    let deep = format!("4, {}4{}", "skip(".repeat(40), ")".repeat(40));
    let cases = [
        ("", "is no network"),
        ("3072", "is no network"),
        ("x, 10", "`x` is no number of features"),
        ("0, 10", "at least one feature"),
        ("5, 0, 10", "at least one output"),
        ("5, 4 gellu, 3", "`gellu` is no layer"),
        ("5, 4 3", "a comma is missing before `3`"),
        ("5, , 3", "a layer is missing"),
        ("5, 3,", "a layer is missing"),
        ("5, skip(3", "is not closed"),
        ("5, skip(3))", "too many"),
        ("5, skip(4), 3", "of 5 features ends with 4"),
        ("5, 4 dropout(1), 3", "a dropout of 1"),
        ("5, 4 dropout(-0.1), 3", "a dropout of -0.1"),
        ("5, 4 dropout(NaN), 3", "a dropout of NaN"),
        ("5, 4 dropout(0.1234567), 3", "a dropout of 0.1234567: at most six digits"),
        ("5, 4 dropout(0.9999999), 3", "at most six digits"),
        ("5, 4 stochastic_depth(0.1), 3", "at the end of a skip connection only"),
        ("5, skip(stochastic_depth(0.1), 5), 3", "at the end of a skip connection only"),
        ("5, skip(5 stochastic_depth(1)), 3", "a stochastic depth of 1"),
        ("5, 99999999999999999999999, 3", "is no layer"),
        (&deep, "nested more than 32"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<NetworkSpec>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn batch_normalisation_is_found_in_skip_connections() {
    let has = |text: &str| text.parse::<NetworkSpec>().unwrap().has_batch_norm();
    assert!(has("5, skip(batch_norm, 5), 3") && !has("5, skip(layer_norm, 5), 3"));
    assert!("5, 4, 3".parse::<NetworkSpec>().unwrap().is_chain());
    assert!(!"5, 4 relu, 3".parse::<NetworkSpec>().unwrap().is_chain());
}

#[test]
fn parameters_are_counted_and_none_overflow() {
    let parameters = |text: &str| text.parse::<NetworkSpec>().unwrap().parameters();
    assert_eq!(parameters("5, 4 gelu dropout(0.1), 3"), 6 * 4 + 5 * 3);
    assert_eq!(parameters("5, 4 batch_norm, skip(rms_norm, 7, layer_norm, 4), 3"), 24 + 8 + (4 + 35 + 14 + 32) + 15);
    assert_eq!(parameters("5, 18446744073709551615, 3"), u64::MAX);
}

#[test]
fn a_list_of_layers_has_no_ends() {
    let layers: LayerList = "batch_norm gelu,8 relu , skip( 8 )".parse().unwrap();
    assert_eq!(layers.to_string(), "batch_norm, activation(gelu), 8 relu, skip(8)");
    let network = NetworkSpec::classifier(5, layers.0, 3).unwrap();
    assert_eq!(
        (network.widths(), network.to_string()),
        (vec![5, 8, 8, 3], "5, batch_norm, activation(gelu), 8 relu, skip(8), 3".to_owned())
    );
    assert_eq!(NetworkSpec::chain(5, &[4], 3).unwrap().to_string(), "5, 4, 3");
    assert!("".parse::<LayerList>().is_err());
}

#[test]
fn a_network_that_no_program_can_be_built_with_is_refused() {
    let check = |text: &str| text.parse::<NetworkSpec>().unwrap().check_limits();
    assert_eq!(check("5, 4 gelu, skip(layer_norm, 16 gelu, 4), 3"), Ok(()));
    let deep = format!("5,{} 3", " 4,".repeat(33));
    let long = format!("5, 4{}, 3", " relu".repeat(127));
    let cases = [
        ("5, 65537 gelu, 3", "a width of 65537: from 1 to 65536"),
        ("5, module(own::Layer to 5), 3", "`module(own::Layer …)`"),
        ("65536, 65536, 3", "makes 4295229443 parameters"),
        (&deep, "33 hidden widths"),
        (&long, "129 layers in all"),
    ];
    for (text, expected) in cases {
        let error = check(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(check(&long.replacen(" relu", "", 1)), Ok(()));
}

#[test]
fn the_last_layer_with_parameters_ends_a_skip_connection() {
    let ends = |text: &str| text.parse::<NetworkSpec>().unwrap().residual_ends();
    assert_eq!(ends("5, 4 gelu, 3"), []);
    // Places: dense 0, gelu 1, norm 2, dense 3, gelu 4, dense 5, stochastic depth 6.
    assert_eq!(ends("5, 4 gelu, skip(layer_norm, 8 gelu, 4 stochastic_depth(0.1)), 3"), [5]);
    // Places: dense 0, dense 1, norm 2; the inner connection's is the dense layer, the outer's the normalisation.
    assert_eq!(ends("5, 4, skip(skip(4), batch_norm), skip(gelu), 3"), [1, 2]);
}

#[test]
fn a_mirrored_network_begins_with_its_views_and_goes_on_with_layers_of_both() {
    let text = "12, mirrored(8 batch_norm relu, skip(layer_norm, 16 gelu, 8), 4 relu), skip(4), 3";
    let network: NetworkSpec = text.parse().unwrap();
    assert_eq!(network.to_string(), text);
    assert!(network.is_mirrored() && !network.is_chain() && network.has_batch_norm());
    assert_eq!((network.widths(), network.outputs()), (vec![12, 8, 16, 8, 4, 4, 3], 3));
    // A layer of both views has two weights and one bias; the skip connection behind it is a plain one.
    let of_views = 13 * 8 + 16 + (16 + 17 * 16 + 33 * 8) + 17 * 4;
    assert_eq!(network.parameters(), of_views + 5 * 4 + 5 * 3);
    let mut dense = Vec::new();
    network.for_each(&mut |inputs, layer| match layer {
        LayerSpec::MirroredInput { outputs } => dense.push(('i', inputs, *outputs)),
        LayerSpec::MirroredDense { outputs } => dense.push(('m', inputs, *outputs)),
        LayerSpec::Dense { outputs } => dense.push(('d', inputs, *outputs)),
        _ => {}
    });
    assert_eq!(dense, [('i', 12, 8), ('m', 8, 16), ('m', 16, 8), ('m', 8, 4), ('d', 4, 4), ('d', 4, 3)]);
    // Places: dense 0, norm 1, relu 2, norm 3, dense 4, gelu 5, dense 6.
    assert_eq!(network.residual_ends(), [6, 9]);
    assert_eq!("12, mirrored(8), 3".parse::<NetworkSpec>().unwrap().residual_ends(), []);
    for (text, why) in [
        ("12, 8, mirrored(8), 3", "at the beginning of a network only"),
        ("12, skip(mirrored(12)), 3", "at the beginning of a network only"),
        ("12, mirrored(8, mirrored(8)), 3", "at the beginning of a network only"),
        ("12, mirrored(relu, 8), 3", "begins with the width of a dense layer"),
        ("12, mirrored(skip(12)), 3", "begins with the width of a dense layer"),
        ("12, mirrored(8, skip(9)), 3", "ends with 9"),
        ("12, mirrored(8, 0), 3", "at least one output"),
        ("12, mirrored(), 3", "a layer is missing"),
    ] {
        let error = text.parse::<NetworkSpec>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let dense = || LayerSpec::Dense { outputs: 8 };
    for layers in [
        vec![LayerSpec::MirroredInput { outputs: 8 }],
        vec![LayerSpec::MirroredDense { outputs: 8 }],
        vec![LayerSpec::Mirrored(vec![LayerSpec::MirroredInput { outputs: 8 }, dense()])],
        vec![LayerSpec::Mirrored(vec![dense()])],
        vec![LayerSpec::Mirrored(vec![])],
    ] {
        assert!(NetworkSpec::new(12, layers).is_err());
    }
}
