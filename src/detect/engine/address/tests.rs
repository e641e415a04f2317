//! What belongs to an address behind its street, and what does not.

use super::*;

/// What follows the street, which a bar ends.
fn tail(text: &str) -> String {
    let at = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    text[at..end(&text, at)].to_owned()
}

#[test]
fn unit_town_region_code_and_country_belong_to_the_street() {
    for (text, expected) in [
        ("4482 Juniper Road|\nApt 12\nBend, OR 97701\n\nDear", "\nApt 12\nBend, OR 97701"),
        ("1907 Kedzie Blvd|, Chicago, Illinois 60647 and", ", Chicago, Illinois 60647"),
        ("583 Magrethevej 298|\n Apt. 123\n Nuuk\n Greenland 07609", "\n Apt. 123\n Nuuk\n Greenland 07609"),
        (
            "> 9 Oak St|\n> Suite 4\n> Port Whangarei\n> New Zealand 34694",
            "\n> Suite 4\n> Port Whangarei\n> New Zealand 34694",
        ),
        ("22 Copperfield Rise|, Shrewsbury SY3 8QT.", ", Shrewsbury SY3 8QT"),
        ("Mariahilfer Straße 88/14|, 1070 Wien, Austria; before", ", 1070 Wien, Austria"),
        ("Calle Ercilla 24|, 3.º B, 48009 Bilbao\nTel", ", 3.º B, 48009 Bilbao"),
        (
            "Rua Augusta, 1508|, apto 72, Consolação, São Paulo - SP, 01304-001",
            ", apto 72, Consolação, São Paulo - SP, 01304-001",
        ),
        ("Prinsengracht 401|, 1016 HM Amsterdam", ", 1016 HM Amsterdam"),
        ("Husova 214/5|, 602 00 Brno", ", 602 00 Brno"),
        ("Str. Eminescu nr. 12|, bl. B4, ap. 17, 700148 Iași", ", bl. B4, ap. 17, 700148 Iași"),
        ("Atatürk Cad. No: 48| D: 5, 35220 Konak/İzmir", " D: 5, 35220 Konak/İzmir"),
        ("8 Av. Kifisias|, ΣΤΡΟΒΟΛΟΣ, Cyprus (Greek) last", ", ΣΤΡΟΒΟΛΟΣ, Cyprus (Greek)"),
        ("233 Erzsébet tér| 19.\n Suite 282\n Domoszló\n Hungary 34796", " 19.\n Suite 282\n Domoszló\n Hungary 34796"),
        ("Vesterbrogade 112|, 3. tv., 1620 København V\n", ", 3. tv., 1620 København V"),
    ] {
        assert_eq!(tail(text), expected, "{text:?}");
    }
}

#[test]
fn what_does_not_belong_is_left() {
    for text in [
        "12 Main Street|, Bob said",
        "12 Main Street|. London is far",
        "12 Main Street|, John Smith, 555-0143",
        "12 Main Street|\nPhone 55512",
        "12 Main Street|\n\nDear Ann",
        "12 Main Street| on 12 May 2024",
        "12 Main Street|, May 2024",
        "12 Main Street|",
    ] {
        assert_eq!(tail(text), "", "{text:?}");
    }
}

#[test]
fn an_address_with_number_and_code_is_whole() {
    for whole in [
        "12 Main St, Bend, OR 97701",
        "Am Kirchberg 17a, 37085 Göttingen",
        "22 Rise, Shrewsbury SY3 8QT",
        "Gade 4, 1620 København",
        "Singel 4, 1016 HM Amsterdam",
    ] {
        assert!(is_whole(whole), "{whole}");
    }
    for part in ["12 Main Street", "12 Main Street, Apt 4", "97701 Bend", "Block 493"] {
        assert!(!is_whole(part), "{part}");
    }
}

#[test]
fn it_reads_no_further_than_a_few_lines() {
    let long = format!("1 Oak St|{}", ", Aa".repeat(1000));
    assert_eq!(tail(&long), "");
}
