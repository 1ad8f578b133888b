using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Fabula.Build.Tests;

public class SettingsTests
{
    [Theory]
    [InlineData("""{ "b": 1, "a": [ true, null, "x" ] }""", """{"a":[true,null,"x"],"b":1}""")]
    [InlineData("""{"n":1.0,"e":1e3,"s":0.10,"z":-0,"y":-0.0,"big":1e30}""", """{"big":1E+30,"e":1000,"n":1,"s":0.1,"y":0,"z":0}""")]
    [InlineData("""{"seed":18446744073709551615}""", """{"seed":18446744073709551615}""")]
    [InlineData("""{"t":"\u0041\/\u00e9\n\"\\\u0000"}""", """{"t":"A/é\u000a\"\\\u0000"}""")]
    [InlineData("""{"é":1,"z":2,"Z":3}""", """{"Z":3,"z":2,"é":1}""")]
    public void Settings_have_one_canonical_form(string json, string canonical)
    {
        Assert.Equal(canonical, Settings.Parse(json).Canonical);
        Assert.Equal(canonical, Settings.Parse(canonical).Canonical);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":1,"\u0061":2}""")]
    [InlineData("""{"a":1e999}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":1}x""")]
    [InlineData("")]
    public void What_has_no_one_meaning_is_refused(string json) => Assert.ThrowsAny<JsonException>(() => Settings.Parse(json));

    [Fact]
    public void Seeds_above_the_range_of_doubles_stay_apart() =>
        Assert.NotEqual(Settings.Of(new { seed = ulong.MaxValue }), Settings.Of(new { seed = ulong.MaxValue - 1 }));

    [Fact]
    public void The_order_of_fields_and_white_space_do_not_matter() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var chance = new Random(seed);
        var value = Value(chance, 0);
        var plain = Settings.Parse(new JsonObject { ["root"] = value.DeepClone() }.ToJsonString());
        var mixed = Settings.Parse(new JsonObject { ["root"] = Shuffled(chance, value) }
            .ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        return plain.Equals(mixed) && Settings.Parse(plain.Canonical).Equals(plain);
    }).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Changes_name_the_field_the_old_value_and_the_new_one() => Assert.Equal(
        [("camera.lens", "35", "50"), ("gone", "1", null), ("people[1]", null, "\"Bea\""), ("when", "{}", "[]")],
        Settings.Changes(Settings.Parse("""{"camera":{"lens":35,"move":"pan"},"people":["Ada"],"when":{},"gone":1}"""),
            Settings.Parse("""{"people":["Ada","Bea"],"camera":{"move":"pan","lens":50.0},"when":[]}""")));

    [Fact]
    public void A_key_depends_on_each_of_its_parts_and_on_nothing_else()
    {
        var step = new Step("a", Toys.Say, Toys.Saying("x"), [new StepInput("in", "b", "out.txt")], ["text.txt"]);
        Digest[] inputs = [Digest.Of("1")];
        var key = StepKey.Of(step, inputs);
        Assert.Equal(key, StepKey.Of(step with { Id = "z", Inputs = [new SourceInput("in", "/elsewhere", default)] }, inputs));
        Digest[] others =
        [
            StepKey.Of(step with { Recipe = Toys.Text("say", _ => "", 2) }, inputs),
            StepKey.Of(step with { Recipe = Toys.Text("tell", _ => "") }, inputs),
            StepKey.Of(step with { Settings = Toys.Saying("y") }, inputs),
            StepKey.Of(step with { Inputs = [new StepInput("other", "b", "out.txt")] }, inputs),
            StepKey.Of(step with { Outputs = ["text.md"] }, inputs),
            StepKey.Of(step with { Outputs = ["text.txt", "in"], Inputs = [] }, []),
            StepKey.Of(step, [Digest.Of("2")]),
        ];
        Assert.Equal(others.Length + 1, others.Append(key).Distinct().Count());
        // A change of this number redoes every film that was ever made: only with a new StepKey.Form.
        Assert.Equal("6f7e0d7399f7260f6aae4beae98228a7c99f40dafde2fc00af69b6dde4b81093", key.ToString());
    }

    static JsonNode Value(Random chance, int depth) => chance.Next(depth < 3 ? 6 : 4) switch
    {
        0 => JsonValue.Create(chance.Next(-1000, 1000)),
        1 => JsonValue.Create(chance.NextDouble() * Math.Pow(10, chance.Next(-20, 20))),
        2 => JsonValue.Create(new string([.. Enumerable.Range(0, chance.Next(6)).Select(_ => (char)chance.Next(0, 0x300))])),
        3 => JsonValue.Create(chance.Next(2) == 0),
        4 => new JsonArray([.. Enumerable.Range(0, chance.Next(4)).Select(_ => Value(chance, depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, chance.Next(5)).Select(i =>
            KeyValuePair.Create($"{(char)chance.Next(33, 0x200)}{i}", (JsonNode?)Value(chance, depth + 1)))),
    };

    static JsonNode Shuffled(Random chance, JsonNode node) => node switch
    {
        JsonObject o => new JsonObject(o.OrderBy(_ => chance.Next()).Select(field =>
            KeyValuePair.Create(field.Key, (JsonNode?)Shuffled(chance, field.Value!))).ToList()),
        JsonArray a => new JsonArray([.. a.Select(item => Shuffled(chance, item!))]),
        _ => node.DeepClone(),
    };
}
