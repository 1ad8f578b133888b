namespace Fabula.Production.Delivery;

/// <summary>The film's files could not be written; the message says why, and what mends it.</summary>
public sealed class DeliveryException(string message, Exception? inner = null) : InvalidOperationException(message, inner);
