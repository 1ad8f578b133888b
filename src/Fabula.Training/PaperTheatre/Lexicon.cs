// Every word that a caption can hold, as data: a key, and the ways to say it. {x} is a gap that the caption fills from another entry.
namespace Fabula.Training.PaperTheatre;

public static class Lexicon
{
    static readonly Dictionary<string, string[]> Entries = new()
    {
        ["Kind.Man"] = ["man", "young man", "fellow"], ["Kind.Woman"] = ["woman", "young woman", "lady"],
        ["Kind.Boy"] = ["boy", "little boy"], ["Kind.Girl"] = ["girl", "little girl"],
        ["Kind.OldMan"] = ["old man", "elderly man", "grandfather"], ["Kind.OldWoman"] = ["old woman", "elderly woman", "grandmother"],
        ["Skin.Pale"] = ["pale skin", "fair skin"], ["Skin.Tan"] = ["tanned skin", "brown skin"], ["Skin.Dark"] = ["dark skin", "dark brown skin"],
        ["HairColour.Black"] = ["black"], ["HairColour.Brown"] = ["brown"], ["HairColour.Blonde"] = ["blonde", "golden"],
        ["HairColour.Ginger"] = ["ginger", "copper"], ["HairColour.Grey"] = ["grey"], ["HairColour.White"] = ["white", "snow-white"],
        ["HairStyle.Cropped"] = ["short {hair} hair", "neat {hair} hair"], ["HairStyle.Flowing"] = ["long {hair} hair"],
        ["HairStyle.Bun"] = ["{hair} hair in a bun", "a {hair} bun"], ["HairStyle.Curly"] = ["curly {hair} hair", "{hair} curls"],
        ["HairStyle.Spiky"] = ["spiky {hair} hair", "{hair} hair that stands up"], ["HairStyle.Ponytail"] = ["a {hair} ponytail", "{hair} hair in a ponytail"],
        ["HairStyle.Pigtails"] = ["{hair} pigtails", "{hair} hair in two pigtails"], ["HairStyle.Bald"] = ["a bald head with {hair} hair at the sides"],
        ["TopColour.Red"] = ["red", "bright red"], ["TopColour.Orange"] = ["orange"], ["TopColour.Yellow"] = ["yellow", "sunny yellow"],
        ["TopColour.Green"] = ["green"], ["TopColour.Blue"] = ["blue"], ["TopColour.Purple"] = ["purple", "violet"],
        ["TopColour.Pink"] = ["pink"], ["TopColour.White"] = ["white"],
        ["HatColour.Red"] = ["red"], ["HatColour.Yellow"] = ["yellow"], ["HatColour.Green"] = ["green"], ["HatColour.Blue"] = ["blue"],
        ["Accent.Red"] = ["red"], ["Accent.Yellow"] = ["yellow"], ["Accent.Green"] = ["green"], ["Accent.Blue"] = ["blue"], ["Accent.Purple"] = ["purple"],
        ["Trousers.Navy"] = ["navy trousers"], ["Trousers.Khaki"] = ["khaki trousers"], ["Trousers.Grey"] = ["grey trousers"],
        ["Shirt.Plain"] = ["a {top} shirt", "a {top} jumper"], ["Shirt.Striped"] = ["a striped {top} shirt", "a {top} jumper with white stripes"],
        ["Shirt.Buttoned"] = ["a {top} jacket with buttons", "a buttoned {top} jacket"],
        ["Dress.Plain"] = ["a {top} dress", "a plain {top} dress"], ["Dress.Striped"] = ["a striped {top} dress", "a {top} dress with stripes"],
        ["Dress.Buttoned"] = ["a {top} dress with buttons", "a buttoned {top} dress"],
        ["Hat.Cap"] = ["a {colour} cap"], ["Hat.TopHat"] = ["a {colour} top hat", "a tall {colour} hat"],
        ["Hat.WoollyHat"] = ["a {colour} woolly hat", "a knitted {colour} hat"], ["Hat.SunHat"] = ["a {colour} sun hat", "a wide {colour} hat"],
        ["Height.Small"] = ["short", "small"], ["Height.Tall"] = ["tall"],
        ["Glasses"] = ["glasses", "round glasses"], ["Beard"] = ["a beard", "a full beard"],

        ["Place.Beach"] = ["on the beach", "by the sea", "at the seaside"], ["Place.Forest"] = ["in the forest", "in the woods", "among the trees"],
        ["Place.Park"] = ["in the park", "in a green park"], ["Place.Street"] = ["in the street", "in a small street", "outside the shop"],
        ["Place.City"] = ["in the city", "in the middle of the city", "at the tram stop"],
        ["Place.Mountains"] = ["in the mountains", "at the camp in the mountains"], ["Place.Farm"] = ["on the farm", "beside the barn"],
        ["Place.Snow"] = ["in the snow", "in the snowy hills", "beside the snowman"], ["Place.Kitchen"] = ["in the kitchen"],
        ["Place.Bedroom"] = ["in the bedroom"], ["Place.LivingRoom"] = ["in the living room", "by the fire in the living room"],
        ["Place.Library"] = ["in the library", "among the books of the library"], ["Place.Plain"] = ["in front of a plain {accent} wall"],
        ["Again.Beach"] = ["the beach again", "the same beach"], ["Again.Forest"] = ["the forest again", "the same forest"],
        ["Again.Park"] = ["the park again", "the same park"], ["Again.Street"] = ["the street again", "the same street"],
        ["Again.City"] = ["the city again", "the same place in the city"], ["Again.Mountains"] = ["the mountains again", "the same camp in the mountains"],
        ["Again.Farm"] = ["the farm again", "the same farm"], ["Again.Snow"] = ["the snowy hills again", "the same place in the snow"],
        ["Again.Kitchen"] = ["the kitchen again", "the same kitchen", "back in the kitchen"],
        ["Again.Bedroom"] = ["the bedroom again", "the same bedroom", "back in the bedroom"],
        ["Again.LivingRoom"] = ["the living room again", "the same living room"], ["Again.Library"] = ["the library again", "the same library"],
        ["Again.Plain"] = ["the plain wall again"],
        ["Heading.Beach"] = ["BEACH"], ["Heading.Forest"] = ["FOREST"], ["Heading.Park"] = ["PARK"], ["Heading.Street"] = ["STREET"],
        ["Heading.City"] = ["CITY"], ["Heading.Mountains"] = ["MOUNTAINS"], ["Heading.Farm"] = ["FARM"], ["Heading.Snow"] = ["SNOWY HILLS"],
        ["Heading.Kitchen"] = ["KITCHEN"], ["Heading.Bedroom"] = ["BEDROOM"], ["Heading.LivingRoom"] = ["LIVING ROOM"],
        ["Heading.Library"] = ["LIBRARY"], ["Heading.Plain"] = ["PLAIN WALL"],
        ["Heading.Morning"] = ["MORNING"], ["Heading.Day"] = ["DAY"], ["Heading.Evening"] = ["EVENING"], ["Heading.Night"] = ["NIGHT"],
        ["Heading.Inside"] = ["INT."], ["Heading.Outside"] = ["EXT."],
        ["TimeOfDay.Morning"] = ["in the morning", "early in the morning"], ["TimeOfDay.Day"] = ["during the day", "at noon"],
        ["TimeOfDay.Evening"] = ["in the evening", "at sunset"], ["TimeOfDay.Night"] = ["at night", "late at night"],
        ["Detail.Beach"] = ["with a {accent} parasol"], ["Detail.Forest"] = ["with {accent} mushrooms"], ["Detail.Park"] = ["with {accent} flowers"],
        ["Detail.Street"] = ["with a {accent} door"], ["Detail.City"] = ["with a {accent} tram"], ["Detail.Mountains"] = ["with a {accent} tent"],
        ["Detail.Farm"] = ["with a {accent} barn"], ["Detail.Snow"] = ["with a snowman in a {accent} scarf"],
        ["Detail.Kitchen"] = ["with {accent} cupboards", "with {accent} curtains"], ["Detail.Bedroom"] = ["with a {accent} blanket", "with {accent} curtains"],
        ["Detail.LivingRoom"] = ["with a {accent} sofa", "with {accent} curtains"], ["Detail.Library"] = ["with a {accent} armchair", "with {accent} curtains"],
        ["Seat.Beach"] = ["log"], ["Seat.Forest"] = ["fallen tree", "log"], ["Seat.Park"] = ["bench"], ["Seat.Street"] = ["bench"], ["Seat.City"] = ["bench"],
        ["Seat.Mountains"] = ["rock"], ["Seat.Farm"] = ["straw"], ["Seat.Snow"] = ["sledge"], ["Seat.Kitchen"] = ["chair"],
        ["Seat.Bedroom"] = ["stool"], ["Seat.LivingRoom"] = ["sofa"], ["Seat.Library"] = ["armchair"], ["Seat.Plain"] = ["floor"],

        ["Doing.Stand"] = ["stands still", "waits", "stands there"], ["Doing.Walk"] = ["walks to the {side}", "strolls to the {side}"],
        ["Doing.Run"] = ["runs to the {side}", "dashes to the {side}"], ["Doing.Wave"] = ["waves", "waves hello", "waves a hand"],
        ["Doing.Jump"] = ["jumps up and down", "jumps for joy", "hops"], ["Doing.Sit"] = ["sits on the {seat}"],
        ["Doing.SitDown"] = ["sits down on the {seat}", "takes a seat on the {seat}"], ["Doing.Talk"] = ["talks", "speaks", "tells a story"],
        ["Doing.TalkWith"] = ["talks with {other}", "chats with {other}"], ["Doing.Point"] = ["points to the {side}", "points at something on the {side}"],
        ["Enter.Side"] = ["comes in from the {side}", "enters from the {side}", "walks in from the {side}"], ["Enter.Run"] = ["runs in from the {side}"],
        ["Enter.Door"] = ["comes in through the door", "enters through the door", "walks in through the door"],
        ["Exit.Side"] = ["leaves to the {side}", "goes out to the {side}", "walks off to the {side}"], ["Exit.Run"] = ["runs off to the {side}"],
        ["Exit.Door"] = ["leaves through the door", "goes out through the door"],
        ["Side.Left"] = ["left"], ["Side.Right"] = ["right"],
        ["Carried.Box"] = ["carrying a box", "with a box in both hands"], ["Carried.Basket"] = ["carrying a basket", "with a basket of apples"],
        ["Carried.Balloon"] = ["holding a balloon", "with a balloon"], ["Carried.Umbrella"] = ["under an umbrella", "holding an umbrella"],
        ["Carried.Flowers"] = ["holding flowers", "with a bunch of flowers"], ["Carried.Suitcase"] = ["carrying a suitcase", "with a suitcase"],
        ["Carried.Book"] = ["carrying a book", "with a book"], ["Carried.Teddy"] = ["holding a teddy bear", "with a teddy bear"],
        ["Prop.Ball"] = ["a ball"], ["Prop.Crate"] = ["a crate"], ["Prop.Barrel"] = ["a barrel"], ["Prop.Pot"] = ["a plant in a pot"],
        ["Prop.Lantern"] = ["a lantern"], ["Prop.Cat"] = ["a cat"], ["Prop.Dog"] = ["a dog"],

        ["ShotSize.Wide"] = ["Wide shot", "A wide view"], ["ShotSize.Medium"] = ["Medium shot"], ["ShotSize.Close"] = ["Close-up", "Close shot"],
        ["CameraMove.Static"] = ["The camera does not move.", ""], ["CameraMove.PanLeft"] = ["The camera pans left.", "The camera moves to the left."],
        ["CameraMove.PanRight"] = ["The camera pans right.", "The camera moves to the right."],
        ["CameraMove.ZoomIn"] = ["The camera zooms in.", "The camera moves closer."], ["CameraMove.ZoomOut"] = ["The camera zooms out.", "The camera moves away."],
        ["Nobody"] = ["Nobody is there.", "The place is empty."], ["There"] = ["There is {thing}.", "{thing} stands there."],
        ["The"] = ["the {kind}"], ["Same"] = ["the same {kind}"], ["Other"] = ["the other {kind}"], ["A"] = ["a {kind} with {list}"],
        ["Then"] = [" and then ", ", then ", " and "], ["And"] = [" and "], ["An"] = ["an"],
        ["Names.Female"] = ["Ada", "Bea", "Clara", "Emma", "Grace", "Hanna", "Ida", "Lucy", "Mary", "Nora", "Rosa", "Sophie"],
        ["Names.Male"] = ["Adam", "Ben", "Carl", "David", "Felix", "Henry", "Jack", "Leo", "Max", "Oscar", "Paul", "Tom"],
    };

    /// <summary>One way to say it.</summary>
    /// <exception cref="KeyNotFoundException">There is no such entry; a test says all of them.</exception>
    internal static string Say(string key, Chance chance) => chance[key].Pick<string>(Entries[key]);
    internal static string Say<T>(T value, Chance chance) where T : struct, Enum => Say($"{typeof(T).Name}.{value}", chance);
    internal static IReadOnlyList<string> Ways(string key) => Entries[key];

    /// <summary>All words of all captions, in lower case, in order. Words of two parts (close-up) count as one.</summary>
    public static IReadOnlyList<string> Words { get; } =
        [.. Entries.Values.SelectMany(ways => ways).SelectMany(Split).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>The words of a text in lower case, without punctuation and gaps.</summary>
    public static IEnumerable<string> Split(string text) => text.ToLowerInvariant()
        .Split([' ', '\n', ',', '.', ';', ':'], StringSplitOptions.RemoveEmptyEntries).Where(word => word[0] != '{' && word != "-");

    /// <summary>What a screenplay calls somebody: always the same for the same person.</summary>
    public static string Name(Person person)
    {
        var names = Entries[person.Female ? "Names.Female" : "Names.Male"];
        return names[(int)(Chance.Hash(person.ToString()) % (ulong)names.Length)];
    }
}
