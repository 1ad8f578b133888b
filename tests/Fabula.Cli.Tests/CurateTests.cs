using System.Text.Json;
using System.Text.Json.Nodes;
using Fabula.Planning.Tests;

namespace Fabula.Cli.Tests;

/// <summary>`fabula curate`, on videos drawn for it and against a server on this machine.</summary>
public sealed class CurateTests : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("fabula-curate-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    string At(params string[] parts) => Path.Combine([_root, .. parts]);

    string Videos => At("videos");
    string Out => At("out");

    JsonNode[] Samples => [.. File.ReadAllLines(Path.Combine(Out, "samples.jsonl")).Select(line => JsonNode.Parse(line)!)];

    JsonNode Report => JsonNode.Parse(File.ReadAllText(Path.Combine(Out, "report.json")))!;

    [Fact]
    public async Task Two_videos_become_samples_that_a_second_run_and_a_replay_leave_as_they_are()
    {
        // The short second shot goes, and then the third is the first again; the last one is told to have a watermark.
        SmallVideo.Write(At("videos", "first.mp4"), (SmallVideo.Beach, 16), (SmallVideo.Wood, 4), (SmallVideo.Beach, 16),
            (SmallVideo.Kitchen, 16), (SmallVideo.City, 16));
        // The last shot is a negative, which has nothing in common with the one before it.
        SmallVideo.Write(At("videos", "in", "-y; 'quoted' $(name).mp4"), (SmallVideo.Wood, 16), (SmallVideo.Kitchen, 16),
            (SmallVideo.Kitchen, -16));
        var told = 0;
        await using var server = await FakeModel.Start(asked => new(asked.Agent == "caption"
            ? JsonSerializer.Serialize(new { caption = ++told == 3 ? "A street, a WATERMARK above it." : $"A place, number {told}." })
            : JsonSerializer.Serialize(asked.Round == 1 ? new { caption = "Another place.", refers = new[] { "the same girl" } }
                : new { caption = "Not the same place.", refers = new[] { "the same place" } })));
        File.WriteAllText(At("settings.json"), """{ "unrelatedLooksBelow": 0.15 }""");
        string[] command = ["curate", Videos, "--out", Out, "--config", At("settings.json")];
        var first = Command.Run([.. command, "--agents", server.Address, "--agent-model", "fake"]);
        Assert.True(first.Code == 0, first.Errors + first.Output);
        Assert.Contains("2 videos, 0 of them refused; 8 shots found by the classic detector", first.Output, StringComparison.Ordinal);

        Assert.Equal("""
            first.mp4: 0-15 A place, number 1. | 36-51 Not the same place.
            in/-y; 'quoted' $(name).mp4: 0-15 A place, number 4. | 16-31 Not the same place.
            """, string.Join('\n', Samples.Select(sample => $"{sample["video"]}: " + string.Join(" | ", sample["shots"]!.AsArray()
                .Select(shot => $"{shot!["first"]}-{shot["last"]} {shot["caption"]}")))));
        Assert.Equal("A place, number 2.", (string?)Samples[0]["shots"]![1]!["alone"]);
        Assert.Equal("short 16-19, same 20-35, keyword 52-67, alone 32-47", string.Join(", ", Report["leftOut"]!.AsArray()
            .Select(shot => $"{shot!["filter"]} {shot["first"]}-{shot["last"]}")));
        Assert.Equal(32, (int?)Assert.Single(Report["unrelated"]!.AsArray())!["first"]);
        Assert.All(server.Requests, asked => Assert.Equal(asked.Agent == "caption" ? 3 : 6, asked.Pictures));
        Assert.Equal(3 + 3 + 2 * 2, server.Requests.Count); // captions of both videos, and two that went back once

        var files = StoredFiles.Of(Out);
        var again = Command.Run([.. command, "--agents", server.Address, "--agent-model", "fake"]);
        Assert.True(again.Code == 0, again.Errors);
        Assert.Equal((first.Output, 10), (again.Output, server.Requests.Count));
        Assert.Equal(files, StoredFiles.Of(Out));

        var samples = File.ReadAllBytes(Path.Combine(Out, "samples.jsonl"));
        File.Delete(Path.Combine(Out, "samples.jsonl"));
        Assert.Equal(0, Command.Run([.. command, "--replay"]).Code);
        Assert.Equal(samples, File.ReadAllBytes(Path.Combine(Out, "samples.jsonl")));
    }

    [Fact]
    public async Task A_shot_that_the_model_cannot_caption_is_left_out_and_not_asked_about_again()
    {
        SmallVideo.Write(At("videos", "a.mp4"), (SmallVideo.Beach, 8), (SmallVideo.Wood, 8), (SmallVideo.Kitchen, 8));
        var shot = 0;
        await using var server = await FakeModel.Start(asked => new(asked.Agent == "refer" ? """{"caption":"Now a wood.","refers":[]}"""
            : (asked.Round == 1 ? ++shot : shot) == 3 ? "I will not." : """{"caption":"A place."}"""));
        string[] command = ["curate", Videos, "--out", Out, "--agents", server.Address, "--agent-model", "fake"];
        for (var run = 0; run < 2; run++)
        {
            var done = Command.Run(command);
            Assert.True(done.Code == 0, done.Errors);
            Assert.Contains("-1 shots without a valid caption", done.Output, StringComparison.Ordinal);
            Assert.Equal(2, Assert.Single(Samples)["shots"]!.AsArray().Count);
            Assert.Equal(2 + 3 + 1, server.Requests.Count);
        }
        Assert.Equal(0, Command.Run("curate", Videos, "--out", Out, "--replay").Code);
        File.WriteAllText(At("settings.json"), """{ "pictureWidth": 96 }""");
        var other = Command.Run("curate", Videos, "--out", Out, "--replay", "--config", At("settings.json"));
        Assert.Equal(2, other.Code);
        Assert.Contains("fabula: The record does not fit: ", other.Errors, StringComparison.Ordinal);
        Assert.Contains("curate with --agents URL", other.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_was_cut_off_goes_on_where_it_was()
    {
        SmallVideo.Write(At("videos", "a.mp4"), (SmallVideo.Beach, 8), (SmallVideo.Wood, 8), (SmallVideo.Kitchen, 8));
        var left = 2;
        await using var server = await FakeModel.Start(asked => left-- <= 0 ? new(Status: 400)
            : new(asked.Agent == "refer" ? """{"caption":"Now a wood.","refers":[]}""" : """{"caption":"A place."}"""));
        string[] command = ["curate", Videos, "--out", Out, "--agents", server.Address, "--agent-model", "fake"];
        Assert.Equal(2, Command.Run(command).Code);
        Assert.False(File.Exists(Path.Combine(Out, "samples.jsonl")));
        left = 100;
        Assert.Equal(0, Command.Run(command).Code);
        Assert.Equal(3 + 3, server.Requests.Count); // two answers, a refusal; the third caption, and two that refer
        var samples = File.ReadAllText(Path.Combine(Out, "samples.jsonl"));
        foreach (var kept in Directory.GetFiles(Path.Combine(Out, "videos"), "*.json", SearchOption.AllDirectories))
            if (!kept.Contains("answers", StringComparison.Ordinal)) File.WriteAllText(kept, "{ \"key\": ");
        Assert.Equal(0, Command.Run(command).Code);
        Assert.Equal((6, samples), (server.Requests.Count, File.ReadAllText(Path.Combine(Out, "samples.jsonl"))));
    }

    [Fact]
    public void Without_a_model_shots_have_no_captions_and_settings_decide()
    {
        SmallVideo.Write(At("videos", "a.mp4"), (SmallVideo.Beach, 8), (SmallVideo.Wood, 8), (SmallVideo.Kitchen, 8), (SmallVideo.City, 8));
        File.WriteAllText(At("settings.json"), """{ "mostShots": 2 }""");
        var done = Command.Run("curate", Videos, "--out", Out, "--config", At("settings.json"), "--boundaries", Golden("transnetv2"),
            "--clip", Golden("storymem_keyframes"));
        Assert.True(done.Code == 0, done.Errors);
        Assert.Contains("by TransNet V2", done.Output, StringComparison.Ordinal);
        Assert.Equal(0, Command.Run("curate", Videos, "--out", Out, "--config", At("settings.json")).Code);
        Assert.Equal([2, 2], Samples.Select(sample => sample["shots"]!.AsArray().Count));
        Assert.All(Samples, sample => Assert.Null(sample["shots"]![1]!["caption"]));
    }

    static string Golden(string name) => Path.Combine(Repository.Root, "tests", "golden", name, "weights.safetensors");

    [Fact]
    public void Bad_videos_are_refused_in_a_sentence_each_and_the_others_are_curated()
    {
        SmallVideo.Write(At("videos", "good.mp4"), (SmallVideo.Beach, 10), (SmallVideo.Wood, 10));
        var good = File.ReadAllBytes(At("videos", "good.mp4"));
        File.WriteAllBytes(At("videos", "empty.mp4"), []);
        File.WriteAllBytes(At("videos", "half.mp4"), good[..(good.Length / 2)]);
        File.WriteAllText(At("videos", "text.mp4"), "This is no film.");
        File.WriteAllText(At("secret.txt"), "secret");
        File.WriteAllText(At("videos", "playlist.mp4"),
            $"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile://{At("videos", "good.mp4")}\n#EXT-X-ENDLIST\n");
        File.WriteAllText(At("videos", "list.mkv"), $"ffconcat version 1.0\nfile '{At("videos", "good.mp4")}'\n");
        File.CreateSymbolicLink(At("videos", "endless.mp4"), "/dev/zero");
        var done = Command.Run("curate", Videos, "--out", Out);
        Assert.Equal(1, done.Code);
        Assert.Contains("6 videos, 5 of them refused", done.Output, StringComparison.Ordinal);
        var refused = done.Errors.Split('\n').Where(line => line.StartsWith("refused: ", StringComparison.Ordinal)).ToList();
        Assert.Equal(["empty.mp4", "half.mp4", "list.mkv", "playlist.mp4", "text.mp4"], refused.Select(line => line.Split(' ')[1]));
        Assert.All(refused, line => Assert.Contains("Leave it out", line, StringComparison.Ordinal));
        Assert.Equal("good.mp4", (string?)Assert.Single(Samples)["video"]);
    }

    [Fact]
    public void What_cannot_be_curated_is_refused_in_a_sentence()
    {
        Directory.CreateDirectory(Videos);
        Command.Run("curate", Videos, "--out", Out).IsRefused("has no videos");
        Command.Run("curate", At("nowhere"), "--out", Out).IsRefused("is no folder");
        Command.Run("curate", Videos, "--out", Out, "--config", At("none.json")).IsRefused("is not there");
        Settings("{ \"mostShots\": 1 }").IsRefused("'mostShots' is 1", "from 2 to 100");
        Settings("{ \"sameLooksAbove\": 1e999 }").IsRefused("sameLooksAbove");
        Settings("{ \"mostShot\": 2 }").IsRefused("no settings", "mostShots");
        Settings("{ \"keywords\": [\" \"] }").IsRefused("keywords");
        Settings("[1]").IsRefused("no settings");
        Settings("null").IsRefused("holds nothing");
        Command.Run("curate", Videos, "--out", Out, "--boundaries", Golden("dino_vit")).IsRefused("SDDCNN");
        Command.Run("curate", Videos, "--out", Out, "--dino", Golden("transnetv2")).IsRefused("patch_embed");
        Command.Run("curate", Videos, "--out", Out, "--clip", At("none.safetensors")).IsRefused("does not exist");
        Command.Run("curate", Videos, "--out", Out, "--agents", "http://127.0.0.1:1/v1").IsRefused("--agent-model NAME");

        Command Settings(string json)
        {
            File.WriteAllText(At("settings.json"), json);
            return Command.Run("curate", Videos, "--out", Out, "--config", At("settings.json"));
        }
    }
}
