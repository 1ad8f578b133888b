// What the stage gives: frames, and the truth about them.
namespace Fabula.Training.PaperTheatre;

/// <summary>Pixels from Left to Right and from Top to Bottom, the last ones included.</summary>
public readonly record struct PixelBox(int Left, int Top, int Right, int Bottom)
{
    public bool Contains(int x, int y) => x >= Left && x <= Right && y >= Top && y <= Bottom;
}

/// <summary>One person in one frame.</summary>
/// <param name="Pixels">Pixels whose uppermost paper is this person (with what the person carries).</param>
/// <param name="Box">Around those pixels; meaningless without any.</param>
/// <param name="Visible">Enough is seen to say that somebody is there: at least Stage.LeastShare of the frame.</param>
/// <param name="AtEdge">Pixels reach the left (-1) or the right (1) border of the frame, or 0.</param>
/// <param name="InDoor">The person is in the doorway.</param>
public readonly record struct Sighting(int Pixels, PixelBox Box, bool Visible, int AtEdge, bool InDoor);

/// <summary>A drawn shot. Frames are RGB bytes [frames, height, width, 3], masks bytes [frames, height, width].</summary>
/// <param name="Masks">0 the empty place, 1..3 the roles in the order of the spec, 9 the open door.</param>
/// <param name="Seen">[frame][role].</param>
public sealed record Clip(ShotSpec Spec, int Width, int Height, byte[] Frames, byte[] Masks, IReadOnlyList<IReadOnlyList<Sighting>> Seen)
{
    public const byte OpenDoor = 9;

    public ReadOnlySpan<byte> Frame(int index) => Frames.AsSpan(index * Width * Height * 3, Width * Height * 3);
    public ReadOnlySpan<byte> Mask(int index) => Masks.AsSpan(index * Width * Height, Width * Height);
    /// <summary>How many people can be seen.</summary>
    public int Count(int frame) => Seen[frame].Count(sighting => sighting.Visible);
}
