// What each agent answers: one small record, from which its JSON schema is exported and against which its answer is checked.
// Descriptions are part of the schema, so the model reads them.
using System.ComponentModel;
using System.Text.Json.Serialization;
using Fabula.Narrative;

namespace Fabula.Planning;

sealed record ChaptersAnswer
{
    [Description("The film's title, a few words.")]
    public required string Title { get; init; }
    [Description("The story in one sentence.")]
    public required string Logline { get; init; }
    [Description("How every picture of the film looks, a few words: the medium, the light, the colours.")]
    public required string Look { get; init; }
    public required IReadOnlyList<ChapterAnswer> Chapters { get; init; }
}

sealed record ChapterAnswer
{
    public required string Title { get; init; }
    [Description("What happens in it, two to four sentences.")]
    public required string Summary { get; init; }
    [Description("Number of the first passage of the story that it tells.")]
    public required int FirstPassage { get; init; }
    [Description("Number of the last passage of the story that it tells.")]
    public required int LastPassage { get; init; }
}

sealed record LocationsAnswer
{
    public required IReadOnlyList<LocationAnswer> Locations { get; init; }
}

sealed record LocationAnswer
{
    [Description("A small word of a-z, 0-9, - and _: lamp_room.")]
    public required string Id { get; init; }
    public required string Name { get; init; }
    [Description("True for a room, false for the open air.")]
    public required bool Inside { get; init; }
    [Description("What one sees there when nobody is there: one sentence, no people.")]
    public required string Description { get; init; }
}

sealed record PeopleAnswer
{
    public required IReadOnlyList<PersonAnswer> People { get; init; }
}

sealed record PersonAnswer
{
    [Description("A small word of a-z, 0-9, - and _: old_tom.")]
    public required string Id { get; init; }
    public required string Name { get; init; }
    [Description("Age, build, skin, hair and clothes, as a picture shows them, beginning with 'a' or 'an'; no deeds, no feelings.")]
    public required string Appearance { get; init; }
}

sealed record ScenesAnswer
{
    public required IReadOnlyList<SceneAnswer> Scenes { get; init; }
}

sealed record SceneAnswer
{
    [Description("Id of one of the given locations.")]
    public required string Location { get; init; }
    [Description("Time of day in a word: morning, day, evening, night.")]
    public required string Time { get; init; }
    [Description("What happens in it, one to three sentences.")]
    public required string Overview { get; init; }
    [Description("Ids of all given people who are seen or heard in it.")]
    public required IReadOnlyList<string> People { get; init; }
    public required int FirstPassage { get; init; }
    public required int LastPassage { get; init; }
}

sealed record ShotsAnswer
{
    public required IReadOnlyList<ShotAnswer> Shots { get; init; }
}

sealed record ShotAnswer
{
    [Description("What one sees happen, one or two sentences in the present tense, people by name.")]
    public required string Action { get; init; }
    public required ShotSize Size { get; init; }
    public required CameraAngle Angle { get; init; }
    public required CameraMove Camera { get; init; }
    [Description("Ids of everyone visible in the first frame; empty for nobody.")]
    public required IReadOnlyList<string> Start { get; init; }
    [Description("Ids of everyone visible in the last frame; empty for nobody.")]
    public required IReadOnlyList<string> End { get; init; }
    [Description("Where people who come or go in this shot come from or go to.")]
    public required IReadOnlyList<SideAnswer> Sides { get; init; }
    [Description("What is said during it, in order.")]
    public required IReadOnlyList<DialogueAnswer> Dialogue { get; init; }
    [Description("Length, from 1 to 12.")]
    public required int Seconds { get; init; }
}

[JsonConverter(typeof(PlanWord<Side>))]
enum Side { Left, Right, Door, Front, Back }

sealed record SideAnswer
{
    public required string Person { get; init; }
    public required Side Side { get; init; }
}

sealed record DialogueAnswer
{
    public required string Person { get; init; }
    public required string Line { get; init; }
    [Description("False for a voice whose speaker is not in the picture.")]
    public required bool OnScreen { get; init; }
}

sealed record TransitionsAnswer
{
    [Description("One for each of the given joins, in the same order.")]
    public required IReadOnlyList<TransitionAnswer> Transitions { get; init; }
}

sealed record TransitionAnswer
{
    [Description("The number of the given join.")]
    public required int Number { get; init; }
    [Description("What one sees between the two pictures, one or two sentences: who leaves, who comes, by name; who stays.")]
    public required string Prompt { get; init; }
}

sealed record CaptionAnswer
{
    [Description("What one sees in the shot, one or two sentences in the present tense.")]
    public required string Caption { get; init; }
}

sealed record ReferAnswer
{
    [Description("The caption, told to somebody who has just seen the shot before.")]
    public required string Caption { get; init; }
    [Description("Phrases of the caption that refer to the shot before, exactly as they stand in it: the same man.")]
    public required IReadOnlyList<string> Refers { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ChaptersAnswer))]
[JsonSerializable(typeof(LocationsAnswer))]
[JsonSerializable(typeof(PeopleAnswer))]
[JsonSerializable(typeof(ScenesAnswer))]
[JsonSerializable(typeof(ShotsAnswer))]
[JsonSerializable(typeof(TransitionsAnswer))]
[JsonSerializable(typeof(CaptionAnswer))]
[JsonSerializable(typeof(ReferAnswer))]
sealed partial class AnswersJson : JsonSerializerContext;
